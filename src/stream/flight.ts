import type { ServerError } from "../errors/from-server.ts";
import { mutation } from "../errors/mutation.ts";
import type { Pipeline, Statement } from "../wire/pipeline.ts";
import type { StreamTable } from "./stream-table.ts";

const ANY = -1;
const LEAVES_RESULTS_UNREAD = mutation("results unread");
const TAKES_ANY_COUNT = mutation("missing row unnoticed");

/** What went otherwise than expected: a statement failed, or affected another number of rows. */
export interface Mishap {
  readonly table: StreamTable | undefined;
  /** The number of the change that the statement applied; -1 for statements of many. */
  readonly change: number;
  /** What the statement was for, for messages. */
  readonly doing: string;
  readonly error: ServerError | undefined;
  /** The deferrable constraint that rows were found to violate. */
  readonly constraint: string | undefined;
  readonly expectedRows: number;
  readonly foundRows: number;
}

interface Expectation {
  readonly rows: number;
  readonly table: StreamTable | undefined;
  readonly change: number;
  readonly doing: string;
  readonly constraint: string | undefined;
  /** Told that the statement's count is not 0. */
  readonly onRows: (() => void) | undefined;
}

/** Statements of one round trip, each with what it must come to. */
export class Flight {
  readonly pipeline: Pipeline;
  readonly #expected: Expectation[] = [];

  constructor(pipeline: Pipeline) {
    this.pipeline = pipeline;
  }

  /** A statement without parameters, of which no count is expected. */
  run(statement: Statement, doing: string): void {
    this.pipeline.run(statement);
    this.expect(ANY, doing);
  }

  /** What the statement must come to whose `execute` was written last. */
  expect(rows: number, doing: string, table?: StreamTable, change = -1): void {
    this.#expected.push({ rows, table, change, doing, constraint: undefined, onRows: undefined });
  }

  /** The statement looked for rows that violate a constraint. */
  expectNone(constraint: string, table: StreamTable, change = -1): void {
    this.#expected.push({ rows: 0, table, change, doing: "checking constraints behind", constraint, onRows: undefined });
  }

  /** A statement with or without rows: `onRows` is called where there are any. */
  notice(doing: string, onRows: () => void): void {
    this.#expected.push({ rows: ANY, table: undefined, change: -1, doing, constraint: undefined, onRows });
  }

  /** A statement whose count says nothing. */
  expectAny(doing: string, table?: StreamTable, change = -1): void {
    this.expect(ANY, doing, table, change);
  }

  get statements(): number {
    return this.#expected.length;
  }

  /** Sends it and looks at every answer: the first that is not as expected, or undefined when all are. */
  async land(): Promise<Mishap | undefined> {
    const { counts, error } = await this.pipeline.land();
    if (LEAVES_RESULTS_UNREAD) return undefined;
    for (const [at, expectation] of this.#expected.entries()) {
      const found = counts[at];
      const { rows, onRows, ...of } = expectation;
      if (found === undefined) return { ...of, error: error ?? { code: "", message: "the server did not answer" }, expectedRows: rows, foundRows: 0 };
      if (rows !== ANY && found !== rows && !TAKES_ANY_COUNT) return { ...of, error: undefined, expectedRows: rows, foundRows: found };
      if (found > 0) onRows?.();
    }
    // Sync itself may fail, behind the last statement.
    return error === undefined ? undefined : { table: undefined, change: -1, doing: "ending a flight", constraint: undefined, error, expectedRows: 0, foundRows: 0 };
  }
}
