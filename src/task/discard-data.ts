import { CHUNK_NOTE } from "../copy/copy-chunk.ts";
import type { CopyTable } from "../copy/chunk.ts";
import type { Ledger } from "../copy/ledger.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { copyTables } from "../plan/plan-chunks.ts";
import type { Session } from "../wire/session.ts";
import type { RunContext } from "./run-context.ts";

const TABLES_PER_TRANSACTION = 200;
const LARGE_OBJECTS = "large objects before";
/** Noted when all of them are there. */
export const LARGE_OBJECTS_NOTE = "large objects copied";

/**
 * Empties what an earlier run of the task copied: its snapshot is gone, and rows of two snapshots must not mix. (Where changes are followed, most of it can
 * stay: `incremental/go-on-copying.ts`.) Ends with the notes of the chunks, so that whoever is cut off here begins here again.
 */
export async function discardData(plan: DatabasePlan, ledger: Ledger, target: Session, { report, signal }: RunContext): Promise<void> {
  if (ledger.jobs(CHUNK_NOTE).length === 0 && !ledger.has(LARGE_OBJECTS)) return;
  const tables = copyTables(plan.catalog, plan.selection.isSelected);
  report({
    event: "notice",
    level: "warning",
    message: `database ${plan.catalog.database.name}: the snapshot that the data was copied from is gone; ${tables.length} tables are emptied and copied again`,
  });
  await emptyTables(plan, tables, target, signal);
  await discardLargeObjects(target, ledger, signal);
  await ledger.forget(target, LARGE_OBJECTS_NOTE);
  await ledger.forget(target, CHUNK_NOTE);
}

/** On the target. */
export async function emptyTables(plan: DatabasePlan, tables: readonly CopyTable[], target: Session, signal: AbortSignal): Promise<void> {
  const ofExtensions = new Set(plan.catalog.relations.filter(({ extension }) => extension !== undefined).map(({ oid }) => oid));
  for (let from = 0; from < tables.length; from += TABLES_PER_TRANSACTION) {
    signal.throwIfAborted();
    // What CREATE EXTENSION put into a table of its own stays.
    const statements = tables
      .slice(from, from + TABLES_PER_TRANSACTION)
      .map((table) => (ofExtensions.has(table.oid) ? `delete from ${table.from} ${table.where === "" ? "" : `where ${table.where}`}` : `truncate only ${table.from}`));
    await target.query(statements.join("; "));
  }
}

/** To be called before any is created: those that are there are not ours. */
export async function rememberLargeObjects(target: Session, ledger: Ledger): Promise<void> {
  const rows = await target.query<{ oid: string }>("select oid::pg_catalog.text as oid from pg_catalog.pg_largeobject_metadata");
  await ledger.remember(target, LARGE_OBJECTS, () => rows.map(({ oid }) => oid));
}

/** The oids of those that were there before the task. */
export function rememberedLargeObjects(ledger: Ledger): readonly string[] {
  return (ledger.value(LARGE_OBJECTS) as string[] | undefined) ?? [];
}

/** Those that were not there before. */
export async function discardLargeObjects(target: Session, ledger: Ledger, signal: AbortSignal): Promise<void> {
  if (!(await ledger.isNoted(target, LARGE_OBJECTS))) return;
  const before = await ledger.remember<string[]>(target, LARGE_OBJECTS, () => []);
  for (let gone = -1; gone !== 0;) {
    signal.throwIfAborted();
    const rows = await target.query(
      `select pg_catalog.lo_unlink(m.oid) from (select oid from pg_catalog.pg_largeobject_metadata where oid <> all($1::pg_catalog.oid[]) limit ${TABLES_PER_TRANSACTION}) m`,
      [before],
    );
    gone = rows.length;
  }
}
