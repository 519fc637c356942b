import { GodwitError } from "../errors/godwit-error.ts";
import type { PgoutputMessage } from "../wire/pgoutput.ts";
import { type Tuple, copyTuple } from "../wire/tuple.ts";
import type { RowChange } from "./batch.ts";
import type { StreamTable } from "./stream-table.ts";

/**
 * Everything behind relies on tuples that have the columns of their relation, and on changes that tell which row is meant. Throws `protocol`, and
 * `change-unsupported` for a table without replica identity.
 */
export function expectWhole(change: RowChange, table: StreamTable): void {
  const { length } = table.relation.columns;
  const { display } = table;
  const isWhole = (tuple: Tuple | undefined): boolean => tuple === undefined || tuple.columns === length;
  if (change.kind !== "insert" && table.key === undefined && (change.oldTuple === undefined || change.oldTuple.columns < length)) {
    const what = `table ${display}: the source does not tell which row it changed: the table has no replica identity`;
    const advice = "Give the table at the source a primary key, or: alter table … replica identity full. What was changed before that is to be brought over by hand.";
    throw new GodwitError("change-unsupported", what, { object: display, advice });
  }
  if ((change.kind === "delete" || isWhole(change.newTuple)) && (change.kind === "insert" || isWhole(change.oldTuple))) return;
  throw new GodwitError("protocol", `a row of ${display} came with another number of columns than were announced`, { object: display });
}

/** The message with bytes of its own: what is decoded is only valid until the next read. */
export function keepMessage(message: PgoutputMessage): PgoutputMessage {
  switch (message.kind) {
    case "insert":
      return { ...message, newTuple: copyTuple(message.newTuple) };
    case "update":
      return { ...message, newTuple: copyTuple(message.newTuple), oldTuple: message.oldTuple && copyTuple(message.oldTuple) };
    case "delete":
      return { ...message, oldTuple: copyTuple(message.oldTuple) };
    default:
      return message;
  }
}
