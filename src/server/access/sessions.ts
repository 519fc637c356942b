import { GodwitError } from "../../errors/godwit-error.ts";
import type { StoreQueries } from "../../task/store-queries.ts";
import type { Account, Role } from "../contract/access.ts";
import { keptAs, makeSecret } from "./secret-text.ts";
import type { Accounts, Proved } from "./accounts.ts";
import type { Who } from "./who.ts";

/** Unused for so long, a session is over; and so long after its login in any case. */
const UNUSED_FOR = "12 hours";
const OVER_AFTER = "7 days";

/** A login, and the link that makes the first account. */
export class Sessions {
  readonly #store: StoreQueries;
  readonly #accounts: Accounts;

  constructor(store: StoreQueries, accounts: Accounts) {
    this.#store = store;
    this.#accounts = accounts;
  }

  /** Begins a session; `cookie` is told to nobody else. Throws `login-wrong` where the account was changed since the password was compared, which ends its sessions. */
  async begin({ account: { name, role }, hash }: Proved): Promise<{ readonly cookie: string; readonly who: Who }> {
    const cookie = makeSecret();
    const csrfToken = makeSecret();
    await this.#store.query(`delete from godwit.session where used_at < now() - interval '${UNUSED_FOR}' or created_at < now() - interval '${OVER_AFTER}'`, []);
    const begun = await this.#store.query(
      `insert into godwit.session (hash, account, csrf_token)
       select $1, a.name, $3 from godwit.account a where a.name = $2 and a.role = $4 and a.password = $5 and not a.is_disabled for share returning account`,
      [keptAs(cookie), name, csrfToken, role, hash],
    );
    if (begun.length === 0) throw new GodwitError("login-wrong", "the account has just been changed");
    return { cookie, who: { name, role, csrfToken, session: keptAs(cookie) } };
  }

  async find(cookie: string): Promise<Who | undefined> {
    const [row] = await this.#store.query<{ name: string; role: Role; csrfToken: string; isStale: boolean }>(
      `select a.name, a.role, s.csrf_token as "csrfToken", s.used_at < now() - interval '1 minute' as "isStale"
         from godwit.session s join godwit.account a on a.name = s.account
        where s.hash = $1 and not a.is_disabled and s.used_at > now() - interval '${UNUSED_FOR}' and s.created_at > now() - interval '${OVER_AFTER}'`,
      [keptAs(cookie)],
    );
    if (row === undefined) return undefined;
    if (row.isStale) await this.#store.query("update godwit.session set used_at = now() where hash = $1", [keptAs(cookie)]);
    return { name: row.name, role: row.role, csrfToken: row.csrfToken, session: keptAs(cookie) };
  }

  async end(session: Buffer): Promise<void> {
    await this.#store.query("delete from godwit.session where hash = $1", [session]);
  }

  /** The token of a new set-up link, where there is no account yet; links made before are void. */
  async newSetupLink(): Promise<string | undefined> {
    if (await this.#accounts.areThere()) return undefined;
    const token = makeSecret();
    await this.#store.query("insert into godwit.setup_link (hash) values ($1) on conflict (is_only) do update set hash = excluded.hash, created_at = now()", [keptAs(token)]);
    return token;
  }

  /** Uses the set-up link up. Throws `setup-refused`. */
  async setUp(token: string, name: string, password: string): Promise<Account> {
    const used = await this.#store.query("delete from godwit.setup_link where hash = $1 and not exists (select from godwit.account) returning is_only", [keptAs(token)]);
    if (used.length === 0) throw new GodwitError("setup-refused", "this set-up link is not valid (any more)");
    return await this.#accounts.create(name, password, "admin");
  }

  /** For whoever has the store's directory or address: all accounts, sessions and tokens go, and a new link makes the first account. */
  async resetAccess(): Promise<void> {
    await this.#store.inTransaction(async (client) => {
      for (const table of ["session", "token", "account", "setup_link"]) await client.query(`delete from godwit.${table}`);
    });
  }
}
