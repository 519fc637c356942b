import { GodwitError } from "../errors/godwit-error.ts";
import { type Batch, CHANGE_KINDS, type ChangeKind, type LoggedChange } from "./batch.ts";
import type { Suspects } from "./check-deferrable.ts";
import type { TableCounters } from "./position.ts";
import type { StreamTable } from "./stream-table.ts";

/**
 * What one transaction of the target brings, table by table. What came is counted as it comes, what is applied as its statements have come out as
 * expected: the two must agree before anything is committed.
 */
export class Tally {
  transactions = 0;
  /** Changes that a policy skipped. */
  skipped = 0;
  /** Deferrable constraints to be looked at before it is committed. */
  readonly suspects: Suspects = new Map();
  readonly #tables = new Map<string, TableCounters>();

  /** The same counts, to go on from twice. */
  copy(): Tally {
    const copy = new Tally();
    copy.transactions = this.transactions;
    copy.skipped = this.skipped;
    for (const [constraint, table] of this.suspects) copy.suspects.set(constraint, table);
    for (const [key, { schema, name, received, applied, skipped }] of this.#tables) {
      copy.#tables.set(key, { schema, name, received: [...received], applied: [...applied], skipped: [...skipped] });
    }
    return copy;
  }

  receive(batch: Batch): void {
    this.transactions += batch.transactions;
    for (const [table, { counts }] of batch.tables) {
      const { received } = this.#of(table);
      for (const kind of [0, 1, 2, 3] as const) received[kind] += counts[kind];
    }
  }

  /** All steps of a batch did what they should. */
  applySteps(batch: Batch): void {
    for (const step of batch.steps) {
      if (typeof step === "number") {
        this.apply(batch.change(step));
        continue;
      }
      const { applied } = this.#of(step.table);
      for (const kind of [0, 1, 2] as const) applied[kind] += step.merged[kind];
    }
  }

  apply({ kind, table, truncate }: LoggedChange): void {
    for (const of of truncate?.tables ?? [table!]) this.#of(of).applied[numberOf(kind)]++;
  }

  skip({ kind, table }: LoggedChange): void {
    this.#of(table!).skipped[numberOf(kind)]++;
    this.skipped++;
  }

  /** Throws `internal` where something is neither applied nor skipped. */
  counters(): TableCounters[] {
    const tables = [...this.#tables.values()];
    for (const { schema, name, received, applied, skipped } of tables) {
      for (const kind of [0, 1, 2, 3] as const) {
        if (received[kind] === applied[kind] + skipped[kind]) continue;
        const counts = `received ${received[kind]}, applied ${applied[kind]}, skipped ${skipped[kind]}`;
        throw new GodwitError("internal", `${schema}.${name}: the ${CHANGE_KINDS[kind]} changes do not add up: ${counts}`, { object: `${schema}.${name}` });
      }
    }
    return tables;
  }

  #of({ relation: { schema, name } }: StreamTable): TableCounters {
    const key = JSON.stringify([schema, name]);
    let tally = this.#tables.get(key);
    if (tally === undefined) {
      tally = { schema, name, received: [0, 0, 0, 0], applied: [0, 0, 0, 0], skipped: [0, 0, 0, 0] };
      this.#tables.set(key, tally);
    }
    return tally;
  }
}

function numberOf(kind: ChangeKind): 0 | 1 | 2 | 3 {
  return CHANGE_KINDS.indexOf(kind) as 0 | 1 | 2 | 3;
}
