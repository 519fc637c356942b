import { type Lsn, ZERO_LSN, formatLsn, parseLsn } from "../wire/lsn.ts";
import type { RelationMessage } from "../wire/pgoutput.ts";
import type { FormerState, KnownTable, PassingRelation } from "./state-changes.ts";
import type { ColumnState, TableState } from "./table-states.ts";

/** Whether a relation message says what is known of the table. Generated columns may come with the rows, or not. */
export function isDescribed({ schema, name, columns }: TableState, relation: RelationMessage): boolean {
  const generated = new Set(columns.filter((column) => column[4] !== "").map((column) => column[1]));
  const come = relation.columns.filter((column) => !generated.has(column.name));
  return schema === relation.schema && name === relation.name && isSame(columns.filter(isPlain), come);
}

/**
 * Whether rows of a transaction that was committed there may still come as the message says: from before changes that the target has, too, or from between these. So names mean what they mean now:
 * columns come in their order, and those that the changes have not touched all come. Of what else comes the target must have a column of that name and type, or the task stops (stream/stream-table.ts).
 */
export function mayStillCome(known: KnownTable, relation: RelationMessage, committedAt: Lsn): boolean {
  const formers = (known.formers ?? []).filter(({ until }) => committedAt <= parseLsn(until));
  if (formers.length === 0 || ![known, ...formers].some(({ schema, name }) => schema === relation.schema && name === relation.name)) return false;
  const lasting = known.columns.filter(isPlain).filter((column) => formers.every(({ columns }) => columns.some((former) => isSameColumn(former, column))));
  const [were, come] = [known.columns.map(([, name]) => name), relation.columns.map(({ name }) => name)];
  const isInOrder = were.filter((name) => come.includes(name)).join("\0") === come.filter((name) => were.includes(name)).join("\0");
  return isInOrder && lasting.every(([, name, type]) => relation.columns.some((column) => column.name === name && String(column.typeOid) === type));
}

/** Somebody was told of just this. */
export function isPassing(passing: readonly PassingRelation[], relation: RelationMessage, committedAt: Lsn): boolean {
  const { oid, description } = passingOf(relation, ZERO_LSN);
  return passing.some((told) => told.oid === oid && told.description === description && committedAt <= parseLsn(told.until));
}

/** `until`: the position that rows may come so up to. */
export function passingOf({ id, schema, name, columns }: RelationMessage, until: Lsn): PassingRelation {
  return { oid: String(id), description: JSON.stringify([schema, name, columns.map((column) => [column.name, column.typeOid])]), until: formatLsn(until) };
}

export function formerOf({ schema, name, columns }: TableState, until: Lsn): FormerState {
  return { schema, name, columns, until: formatLsn(until) };
}

function isPlain(column: ColumnState): boolean {
  return column[4] === "";
}

/** All but who wrote it. */
function isSameColumn(one: ColumnState, other: ColumnState): boolean {
  return one.slice(0, 5).every((part, at) => part === other[at]);
}

function isSame(columns: readonly ColumnState[], come: RelationMessage["columns"]): boolean {
  return columns.map(([, name, type]) => `${name} ${type}`).join("\n") === come.map(({ name, typeOid }) => `${name} ${typeOid}`).join("\n");
}
