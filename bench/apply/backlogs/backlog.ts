import type { Shape } from "../../shapes/shape.ts";
import { hot10 } from "./hot-rows.ts";
import { huge } from "./huge.ts";
import { independent, thousand } from "./independent-rows.ts";
import { tpcb } from "./tpcb.ts";
import { wideInsert } from "./wide-insert.ts";

/**
 * A database (`statements`), and what is written to it while nobody reads along. Nothing in either is random: every tool in every round gets the same
 * changes in the same transactions in the same order.
 */
export interface Backlog extends Shape {
  work(scale: number): Work;
}

export interface Work {
  /** SQL scripts; each is one simple-protocol query, so without BEGIN and COMMIT one transaction. Those with COMMIT inside DO need PostgreSQL 11. */
  readonly scripts: readonly string[];
  readonly transactions: number;
  /** Rows inserted, updated or deleted. */
  readonly changes: number;
}

export const BACKLOGS = { tpcb, hot10, independent, thousand, "wide-insert": wideInsert, huge } as const satisfies Record<string, Backlog>;

export type BacklogName = keyof typeof BACKLOGS;

/** The database's last change, in a transaction of its own: where it is seen, all that was committed before is there. */
export const MARKER_TABLE = "create table bench_marker (id int primary key)";
