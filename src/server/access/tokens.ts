import { randomBytes } from "node:crypto";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { StoreQueries } from "../../task/store-queries.ts";
import type { Role, Token } from "../contract/access.ts";
import { keptAs, makeSecret } from "./secret-text.ts";
import type { Who } from "./who.ts";

type Row = Omit<Token, "createdAt" | "usedAt" | "expiresAt"> & { readonly createdAt: Date; readonly usedAt: Date | null; readonly expiresAt: Date | null };
const COLUMNS = `id, name, role, created_by as "createdBy", created_at as "createdAt", used_at as "usedAt", expires_at as "expiresAt"`;
/** So that a leaked one is recognised by whoever looks for leaks. */
const PREFIX = "godwit_";

/** Secrets for programs: sent as `Authorization: Bearer …`. */
export class Tokens {
  readonly #store: StoreQueries;

  constructor(store: StoreQueries) {
    this.#store = store;
  }

  async list(): Promise<Token[]> {
    return (await this.#store.query<Row>(`select ${COLUMNS} from godwit.token order by created_at desc`, [])).map(toToken);
  }

  /** This answer alone holds the token. */
  async create(name: string, role: Role, createdBy: string, expiresInDays: number | undefined): Promise<Token & { readonly token: string }> {
    const token = makeSecret(PREFIX);
    const [row] = await this.#store.query<Row>(
      `insert into godwit.token (id, name, role, hash, created_by, expires_at) values ($1, $2, $3, $4, $5, now() + make_interval(days => $6)) returning ${COLUMNS}`,
      [randomBytes(5).toString("hex"), name, role, keptAs(token), createdBy, expiresInDays ?? null],
    );
    return { ...toToken(row!), token };
  }

  async find(token: string): Promise<Who | undefined> {
    const [row] = await this.#store.query<{ id: string; name: string; role: Role; isStale: boolean }>(
      `select id, name, role, used_at is null or used_at < now() - interval '1 minute' as "isStale" from godwit.token where hash = $1 and (expires_at is null or expires_at > now())`,
      [keptAs(token)],
    );
    if (row === undefined) return undefined;
    if (row.isStale) await this.#store.query("update godwit.token set used_at = now() where id = $1", [row.id]);
    return { name: `token ${row.name}`, role: row.role };
  }

  /** Throws `entry-unknown`. */
  async delete(id: string): Promise<void> {
    const rows = await this.#store.query("delete from godwit.token where id = $1 returning id", [id]);
    if (rows.length === 0) throw new GodwitError("entry-unknown", `no token ${id}`, { object: id });
  }
}

function toToken({ createdAt, usedAt, expiresAt, ...row }: Row): Token {
  return { ...row, createdAt: createdAt.toISOString(), usedAt: usedAt?.toISOString() ?? null, expiresAt: expiresAt?.toISOString() ?? null };
}
