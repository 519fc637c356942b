import { ledgerOwner } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { followsChanges } from "../plan/migration-type.ts";
import { type CountersPage, type RecordedConflict, type TableCounters, readConflicts, readCounters, readCountersPage, readStreams } from "../stream/position.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import { databasesToMove, movesOneDatabase } from "./databases-to-move.ts";
import type { TaskStore } from "./task-store.ts";

/** What came of the changes of one database's tables, as its target has it. */
export interface DatabaseChanges {
  readonly database: string;
  readonly tables: readonly TableCounters[];
  /** The newest first. */
  readonly conflicts: readonly RecordedConflict[];
}

/** A page of them: `tables` are some of `total`. */
export interface DatabaseChangesPage extends DatabaseChanges {
  readonly total: number;
}

/** The changes of all tables. Throws as `askTargets`. */
export async function readTaskChanges(tasks: TaskStore, id: string, mostConflicts: number): Promise<DatabaseChanges[]> {
  return await askTargets(tasks, id, async (session, slot, database) => ({
    database,
    tables: await readCounters(session, slot),
    conflicts: await readConflicts(session, slot, mostConflicts),
  }));
}

/** The changes of a page of tables: those of one database behind those of the other. Every database is there, with its conflicts. Throws as `askTargets`. */
export async function readChangesPage(tasks: TaskStore, id: string, mostConflicts: number, page: CountersPage): Promise<DatabaseChangesPage[]> {
  let { limit, offset } = page;
  return await askTargets(tasks, id, async (session, slot, database) => {
    const { total, tables } = await readCountersPage(session, slot, { ...page, limit, offset });
    limit -= tables.length;
    offset = Math.max(0, offset - total);
    return { database, total, tables, conflicts: await readConflicts(session, slot, mostConflicts) };
  });
}

/** Asks each target database of a task that follows changes; it keeps them until Complete. Throws `action-refused` for another type, or what connecting throws. */
async function askTargets<Answer>(tasks: TaskStore, id: string, ask: (session: Session, slot: string, database: string) => Promise<Answer>): Promise<Answer[]> {
  const task = await tasks.find(id);
  if (!followsChanges(task.options.type)) throw new GodwitError("action-refused", `task ${id} is of type ${task.options.type}, which follows no changes`, { object: id });
  const options = { ...task.options, ...(await tasks.endpoints(id)), concurrency: task.concurrency };
  const answers: Answer[] = [];
  for (const database of await targetDatabases(options)) {
    await using session = await openSession(withDatabase(options.target, database));
    if ((await ledgerOwner(session)) !== id) continue;
    for (const slot of await readStreams(session)) answers.push(await ask(session, slot, database));
  }
  return answers;
}

/** The databases of the target that are there. */
async function targetDatabases(options: MigrationOptions): Promise<string[]> {
  if (movesOneDatabase(options)) return [options.target.database];
  await using source = await openSession(options.source);
  await using target = await openSession(options.target);
  return (await databasesToMove(source, target, options, () => undefined)).filter(({ exists }) => exists).map(({ to }) => to);
}
