import { hash, verify } from "@node-rs/argon2";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { StoreQueries } from "../../task/store-queries.ts";
import type { Account, Role } from "../contract/access.ts";

type Row = Omit<Account, "createdAt" | "lastLoginAt"> & { readonly createdAt: Date; readonly lastLoginAt: Date | null };
const COLUMNS = `name, role, is_disabled as "isDisabled", created_at as "createdAt", last_login_at as "lastLoginAt"`;

/** What a password is compared with where there is no such account, so that both take equally long. */
let nobodysPassword: Promise<string> | undefined;

/** Who has proved to be whose account it is. */
export interface Proved {
  readonly account: Account;
  /** The hash that was compared with: what was proved holds as long as it is the account's. */
  readonly hash: string;
}

/** People who may log in. */
export class Accounts {
  readonly #store: StoreQueries;

  constructor(store: StoreQueries) {
    this.#store = store;
  }

  async list(): Promise<Account[]> {
    return (await this.#store.query<Row>(`select ${COLUMNS} from godwit.account order by name`, [])).map(toAccount);
  }

  async areThere(): Promise<boolean> {
    return (await this.#store.query("select from godwit.account limit 1", [])).length > 0;
  }

  /** Throws `account-exists`. */
  async create(name: string, password: string, role: Role): Promise<Account> {
    const [row] = await this.#store.query<Row>(`insert into godwit.account (name, role, password) values ($1, $2, $3) on conflict do nothing returning ${COLUMNS}`, [
      name,
      role,
      await hash(password),
    ]);
    if (row === undefined) throw new GodwitError("account-exists", `there is an account ${name} already`, { object: name });
    return toAccount(row);
  }

  /** Whose name and password these are. Throws `login-wrong`, in both cases in the same words. */
  async logIn(name: string, password: string): Promise<Proved> {
    const [row] = await this.#store.query<Row & { password: string }>(`select ${COLUMNS}, password from godwit.account where name = $1`, [name]);
    nobodysPassword ??= hash("nobody has this password");
    const isRight = await verify(row?.password ?? (await nobodysPassword), password);
    if (row === undefined || !isRight || row.isDisabled) throw new GodwitError("login-wrong", "the name or the password is wrong");
    await this.#store.query("update godwit.account set last_login_at = now() where name = $1", [name]);
    const { password: kept, ...shown } = row;
    return { account: toAccount(shown), hash: kept };
  }

  /** All sessions of the account end: what it may do is asked for again. Throws `entry-unknown`, `last-admin`. */
  async change(name: string, change: { readonly role?: Role | undefined; readonly password?: string | undefined; readonly isDisabled?: boolean | undefined }): Promise<Account> {
    const password = change.password === undefined ? null : await hash(change.password);
    return await this.#store.inTransaction(async (client) => {
      await client.query("lock table godwit.account in share row exclusive mode"); // two admins that demote each other
      const { rows } = await client.query<Row>(
        `update godwit.account set role = coalesce($2, role), password = coalesce($3, password), is_disabled = coalesce($4, is_disabled) where name = $1 returning ${COLUMNS}`,
        [name, change.role ?? null, password, change.isDisabled ?? null],
      );
      if (rows[0] === undefined) throw unknown(name);
      await keepAnAdmin(client);
      await client.query("delete from godwit.session where account = $1", [name]);
      return toAccount(rows[0]);
    });
  }

  /** Throws `entry-unknown`, `last-admin`. */
  async delete(name: string): Promise<void> {
    await this.#store.inTransaction(async (client) => {
      await client.query("lock table godwit.account in share row exclusive mode");
      const { rowCount } = await client.query("delete from godwit.account where name = $1", [name]);
      if (rowCount === 0) throw unknown(name);
      await keepAnAdmin(client);
    });
  }
}

async function keepAnAdmin(client: { query(sql: string): Promise<{ rowCount: number | null }> }): Promise<void> {
  const { rowCount } = await client.query("select from godwit.account where role = 'admin' and not is_disabled limit 1");
  if (rowCount === 0) throw new GodwitError("last-admin", "nobody could manage accounts any more");
}

function unknown(name: string): GodwitError {
  return new GodwitError("entry-unknown", `no account ${name}`, { object: name });
}

function toAccount({ createdAt, lastLoginAt, ...row }: Row): Account {
  return { name: row.name, role: row.role, isDisabled: row.isDisabled, createdAt: createdAt.toISOString(), lastLoginAt: lastLoginAt?.toISOString() ?? null };
}
