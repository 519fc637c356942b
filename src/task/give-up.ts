import { setTimeout as sleep } from "node:timers/promises";
import { LEDGER_SCHEMA, endSessions, ledgerOwner } from "../copy/ledger.ts";
import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { followsChanges } from "../plan/migration-type.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import { databasesToMove } from "./databases-to-move.ts";
import { giveSourceBack } from "./incremental/give-source-back.ts";
import type { JobStore } from "./lanes/job-store.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import type { Task } from "./task-record.ts";
import type { TaskStore } from "./task-store.ts";

/** A server that is away may be back soon; whoever gives a task up waits no longer than this. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 1000;

/**
 * Ends a task that is given up: takes its ledgers away, and what it changed at the source back. What it created stays: it may be what somebody wants to look at.
 * The task ends in any case; what could not be taken back is its error.
 */
export async function giveUp(tasks: TaskStore, jobs: JobStore, task: Task, readOptions: () => Promise<MigrationOptions>, signal: AbortSignal): Promise<void> {
  await jobs.closeStage(task.id);
  const left = task.startedAt === null ? undefined : await takeBackPatiently(tasks, task, readOptions, signal);
  await tasks.apply(task.id, "cleaned", { error: left?.described() ?? null });
}

async function takeBackPatiently(tasks: TaskStore, task: Task, readOptions: () => Promise<MigrationOptions>, signal: AbortSignal): Promise<GodwitError | undefined> {
  const until = performance.now() + PATIENCE_MS;
  for (let isTold = false; ; isTold = true) {
    try {
      await takeBack(tasks, task, await readOptions(), signal);
      return undefined;
    } catch (cause) {
      signal.throwIfAborted();
      const error = asGodwitError(cause);
      if (error.retry !== "automatic" || performance.now() > until) return leftBehind(task, error);
      if (!isTold) await tasks.log(task.id, "warning", `waits to take back what it has made: ${error.message}`);
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

async function takeBack(tasks: TaskStore, { id }: Task, options: MigrationOptions, signal: AbortSignal): Promise<void> {
  await using source = await openSession(options.source, { signal });
  await using target = await openUnlessGone(options, signal);
  const onlyOne = [{ from: options.source.database, to: options.target.database, exists: false }];
  for (const { from, to, exists } of target === undefined ? onlyOne : await databasesToMove(source, target, options, () => undefined)) {
    await using session = exists ? await openSession(withDatabase(options.target, to), { signal }) : undefined;
    if (session !== undefined) await endSessions(session, id); // a worker that hangs would write on, and its locks would hold us up
    const noted = session !== undefined && (await ledgerOwner(session)) === id ? session : undefined;
    if (followsChanges(options.type)) for (const note of await giveSourceBack(withDatabase(options.source, from), noted, id, signal)) await tasks.log(id, "info", note);
    await noted?.query(`drop schema ${LEDGER_SCHEMA} cascade`);
  }
}

/** A target that was dropped has nothing of ours. */
async function openUnlessGone({ target }: MigrationOptions, signal: AbortSignal): Promise<Session | undefined> {
  try {
    return await openSession(target, { signal });
  } catch (error) {
    if (error instanceof GodwitError && error.code === "database-unknown") return undefined;
    throw error;
  }
}

function leftBehind({ id, options }: Task, cause: GodwitError): GodwitError {
  const slots = followsChanges(options.type);
  const what = `schema ${LEDGER_SCHEMA} on the target${slots ? `, and at the source the replication slots godwit_${id}_…, the publication godwit_${id} and changed replica identities` : ""}`;
  const drop = `on the target: DROP SCHEMA ${LEDGER_SCHEMA} CASCADE;`;
  const free = `at the source, in each database: SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'godwit\\_${id}\\_%' AND database = current_database(); DROP PUBLICATION IF EXISTS godwit_${id};`;
  return new GodwitError("left-behind", `may be left: ${what}, as they could not be taken back: ${cause.code}: ${cause.message}`, {
    object: id,
    advice: `Remove them by hand: ${drop}${slots ? ` ${free}` : ""}`,
    cause,
  });
}
