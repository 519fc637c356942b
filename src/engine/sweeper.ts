import type { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import { ADVISORY_LOCKS } from "./advisory-locks.ts";
import type { Claimer } from "./claim.ts";
import { DEFAULT_QUEUE } from "./control.ts";
import { LEASE_SILENCE_MS, LIVING_EXECUTORS, executorLives } from "./lease.ts";
import { ENQUEUED, EXECUTORS } from "./news.ts";
import type { EngineLog } from "./quiet-logger.ts";
import type { Store } from "./store.ts";

/** Finds executors that died, gives the work they had in their hands back to the queue, and claims what waits there. */
export interface Sweeper {
  stop(): Promise<void>;
}

const SWEEP_MS = 500;
/** While no other executor lives there is nobody who could die; whoever comes says so. */
const LONELY_SWEEP_MS = 2000;
/** After a restart of the store every lease is free until its owner has connected again; the living get this long. */
const RECONNECT_GRACE_MS = 2000;

/** A hung process keeps its session, and with it its lock: the sessions of silent leases are ended, which frees the locks. */
const SILENT = `
  from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.classid = $1::pg_catalog.int8::pg_catalog.oid and l.objsubid = 2 and l.granted and a.datname = pg_catalog.current_database()
    and a.state_change < pg_catalog.clock_timestamp() - $2 * interval '1 millisecond'`;
const END_SILENT = `select pg_catalog.pg_terminate_backend(a.pid) ${SILENT}`;

const ORPHANED = `
  from dbos.workflow_status w
  where w.status = 'PENDING' and w.executor_id is not null and not ${executorLives("w.executor_id")}`;
const FIND_ORPHANED = `select distinct w.executor_id as id ${ORPHANED}`;

/** Mostly there is nothing to do, which one question tells. */
const LOOK = `select exists (select ${SILENT}) or exists (select ${ORPHANED}) as "isSweepNeeded",
  exists (select from dbos.workflow_status where status = 'ENQUEUED' and queue_name = $3) as "isWorkWaiting", ${LIVING_EXECUTORS} as living`;

/** Looks twice a second, beside others, until stopped. Every executor does; an advisory lock lets one at a time sweep. What comes into the queue is claimed at once. */
export function startSweeper(store: Store, executor: DBOSExecutor, claimer: Claimer, log: EngineLog): Sweeper {
  const stopped = new AbortController();
  let living: number | undefined;
  let isLonely = false;
  const look = async (): Promise<void> => {
    const { rows } = await store.pool.query<Look>(LOOK, [ADVISORY_LOCKS.lease, LEASE_SILENCE_MS, DEFAULT_QUEUE]);
    const { isSweepNeeded, isWorkWaiting, living: now } = rows[0]!;
    if (isSweepNeeded) await sweep(store, executor, log);
    if (isWorkWaiting || isSweepNeeded) await claimer.claim();
    if (now !== living) store.news.ring(EXECUTORS);
    living = now;
    isLonely = now === 1 && !isSweepNeeded;
  };
  const loop = async (): Promise<void> => {
    using news = store.news.subscribe(ENQUEUED, EXECUTORS);
    while (!stopped.signal.aborted) {
      await look().catch((error: unknown) => log(`sweeping failed and is tried again: ${error instanceof Error ? error.message : String(error)}`));
      await news.changed(isLonely ? LONELY_SWEEP_MS : SWEEP_MS, stopped.signal);
    }
  };
  const ended = loop();
  return {
    stop: async () => {
      stopped.abort();
      await ended;
    },
  };
}

interface Look {
  readonly isSweepNeeded: boolean;
  readonly isWorkWaiting: boolean;
  readonly living: number;
}

async function sweep(store: Store, executor: DBOSExecutor, log: EngineLog): Promise<void> {
  const client = await store.pool.connect();
  client.on("error", ignore);
  try {
    await client.query("begin");
    const { rows } = await client.query<{ mine: boolean }>(
      `select pg_catalog.now() - pg_catalog.pg_postmaster_start_time() > $2 * interval '1 millisecond' and pg_catalog.pg_try_advisory_xact_lock($1, 0) as mine`,
      [ADVISORY_LOCKS.sweep, RECONNECT_GRACE_MS],
    );
    if (rows[0]?.mine === true) {
      await client.query(END_SILENT, [ADVISORY_LOCKS.lease, LEASE_SILENCE_MS]);
      const { rows: orphaned } = await client.query<{ id: string }>(FIND_ORPHANED);
      for (const { id } of orphaned) log(`executor ${id} is dead; others go on with its work`);
      // Safe beside a dispatch: the workflows that somebody else has claimed meanwhile carry that executor's id.
      if (orphaned.length > 0) await executor.recoverPendingWorkflows(orphaned.map(({ id }) => id));
    }
    await client.query("commit");
    client.release();
  } catch (error) {
    client.release(true); // it may be inside a transaction
    throw error;
  } finally {
    client.off("error", ignore);
  }
}

function ignore(): void {
  // a lost connection shows at the next query
}
