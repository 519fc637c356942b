import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { type OperationContext, randomOperation } from "./random-operations.ts";
import type { Table } from "./schema.ts";

/** How a transaction is meant to end. */
export type Ending = "commit" | "rollback" | "commit prepared" | "rollback prepared";

export interface Step {
  readonly sql: string;
  /** If it fails, the transaction goes back to the savepoint before it and goes on. */
  readonly isTried: boolean;
  /** Milliseconds of thinking before it. */
  readonly pauseMs: number;
}

export interface RandomTransaction {
  readonly begin: string;
  readonly steps: readonly Step[];
  readonly ending: Ending;
  /** Milliseconds between PREPARE TRANSACTION and what follows. */
  readonly preparedMs: number;
  /** Milliseconds of idleness behind it. */
  readonly idleMs: number;
}

export interface TransactionContext extends OperationContext {
  readonly tables: readonly Table[];
  readonly canPrepare: boolean;
}

/** What a client does next; decided before it begins, by the seed alone. */
export function randomTransaction(context: TransactionContext): RandomTransaction {
  const { random } = context;
  const size = random.weighted({ one: 6, few: 5, many: 1 });
  const steps: Step[] = [];
  for (let left = size === "one" ? 1 : size === "few" ? random.int(2, 5) : random.int(6, 25); left > 0; left--) steps.push(...randomSteps(context));
  return {
    begin: `begin${random.pick(["", "", "", "", "", "", " isolation level repeatable read", " isolation level serializable"])}`,
    steps,
    ending: random.weighted<Ending>({ commit: 16, rollback: 2, ...(context.canPrepare ? { "commit prepared": 1.5, "rollback prepared": 0.5 } : {}) }),
    preparedMs: random.chance(0.5) ? 0 : random.int(10, 250),
    idleMs: random.chance(0.6) ? 0 : random.chance(0.9) ? random.int(1, 40) : random.int(100, 400),
  };
}

/** One operation: plain, tried, or within savepoints that are kept or given up. */
function randomSteps(context: TransactionContext): Step[] {
  const { random } = context;
  const isTried = random.chance(0.7);
  const step = (sql: string): Step => ({ sql, isTried, pauseMs: random.chance(0.06) ? random.int(5, 80) : 0 });
  const bare = (sql: string): Step => ({ sql, isTried: false, pauseMs: 0 });
  const work = randomOperation(context.tables, context).map(step);
  if (!random.chance(0.2)) return work;
  const more = randomOperation(context.tables, context).map(step);
  const end = random.chance(0.6) ? [bare("rollback to savepoint outer_one")] : [bare("release savepoint outer_one")];
  return [bare("savepoint outer_one"), ...work, bare("savepoint inner_one"), ...more, ...(random.chance(0.3) ? [bare("rollback to savepoint inner_one")] : []), ...end];
}

/** What a source of this version can do. */
export function workloadAbilities(major: SourceMajor, hasPreparedTransactions: boolean): Pick<TransactionContext, "canTruncate" | "canPrepare"> {
  return { canTruncate: major >= 11, canPrepare: hasPreparedTransactions };
}
