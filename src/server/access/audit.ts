import type { StoreQueries } from "../../task/store-queries.ts";
import type { AuditEntry } from "../contract/access.ts";

/** Who did what: every request that changes something, also those that were refused. */
export class Audit {
  readonly #store: StoreQueries;

  constructor(store: StoreQueries) {
    this.#store = store;
  }

  async add(entry: Omit<AuditEntry, "id" | "at">): Promise<void> {
    await this.#store.query("insert into godwit.audit (who, address, action, object, outcome, detail) values ($1, $2, $3, $4, $5, $6)", [
      entry.who,
      entry.address,
      entry.action,
      entry.object,
      entry.outcome,
      entry.detail,
    ]);
  }

  /** Newest first. */
  async list(before: string | undefined, limit: number): Promise<AuditEntry[]> {
    const rows = await this.#store.query<Omit<AuditEntry, "at"> & { at: Date }>(
      "select id::text, at, who, address, action, object, outcome, detail from godwit.audit a where $1::bigint is null or a.id < $1 order by a.id desc limit $2",
      [before ?? null, limit],
    );
    return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
  }
}
