import { ledgerOwner } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { followsChanges } from "../plan/migration-type.ts";
import { type RecordedConflict, type TableCounters, readConflicts, readCounters, readStreams } from "../stream/position.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import { databasesToMove } from "./databases-to-move.ts";
import type { TaskStore } from "./task-store.ts";

/** What came of the changes of one database's tables, as its target has it. */
export interface DatabaseChanges {
  readonly database: string;
  readonly tables: readonly TableCounters[];
  /** The newest first. */
  readonly conflicts: readonly RecordedConflict[];
}

/** Asks the target of a task that follows changes; it keeps them until Complete. Throws `action-refused` for another type, or what connecting throws. */
export async function readTaskChanges(tasks: TaskStore, id: string, mostConflicts: number): Promise<DatabaseChanges[]> {
  const task = await tasks.find(id);
  if (!followsChanges(task.options.type)) throw new GodwitError("action-refused", `task ${id} is of type ${task.options.type}, which follows no changes`, { object: id });
  const options = { ...task.options, ...(await tasks.endpoints(id)), concurrency: task.concurrency };
  await using source = await openSession(options.source);
  await using target = await openSession(options.target);
  const answer: DatabaseChanges[] = [];
  for (const { to, exists } of await databasesToMove(source, target, options, () => undefined)) {
    if (!exists) continue;
    await using session = await openSession(withDatabase(options.target, to));
    if ((await ledgerOwner(session)) !== id) continue;
    for (const slot of await readStreams(session)) {
      answer.push({ database: to, tables: await readCounters(session, slot), conflicts: await readConflicts(session, slot, mostConflicts) });
    }
  }
  return answer;
}
