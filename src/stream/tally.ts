import { GodwitError } from "../errors/godwit-error.ts";
import { type Batch, CHANGE_KINDS, type KindCounts } from "./batch.ts";
import type { Conflict, TableCounters } from "./position.ts";

interface TableTally {
  readonly schema: string;
  readonly name: string;
  readonly received: KindCounts;
  readonly skipped: KindCounts;
}

/** What one transaction of the target brings, table by table: nothing that came may be lost between receiving and applying. */
export class Tally {
  transactions = 0;
  /** Changes that a policy skipped. */
  skipped = 0;
  readonly #tables = new Map<string, TableTally>();

  receive(batch: Batch): void {
    this.transactions += batch.transactions;
    let changes = 0;
    for (const [table, counts] of batch.counts) {
      const { received } = this.#of(table.relation.schema, table.relation.name);
      for (const kind of [0, 1, 2, 3] as const) received[kind] += counts[kind];
      changes += counts[0] + counts[1] + counts[2];
    }
    if (changes + batch.truncations !== batch.changes) throw new GodwitError("internal", `a batch of ${batch.changes} changes holds ${changes + batch.truncations}`);
  }

  skip({ schema, name, kind }: Pick<Conflict, "schema" | "name" | "kind">): void {
    this.#of(schema, name).skipped[CHANGE_KINDS.indexOf(kind)]!++;
    this.skipped++;
  }

  counters(): TableCounters[] {
    return [...this.#tables.values()].map(({ schema, name, received, skipped }) => ({
      schema,
      name,
      received,
      skipped,
      applied: received.map((count, kind) => count - skipped[kind]!) as KindCounts,
    }));
  }

  #of(schema: string, name: string): TableTally {
    const key = JSON.stringify([schema, name]);
    let tally = this.#tables.get(key);
    if (tally === undefined) {
      tally = { schema, name, received: [0, 0, 0, 0], skipped: [0, 0, 0, 0] };
      this.#tables.set(key, tally);
    }
    return tally;
  }
}
