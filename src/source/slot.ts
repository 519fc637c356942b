import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import { sqlStateOf } from "../errors/sql-state.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Lsn } from "../wire/lsn.ts";
import { endOwnSessions } from "../wire/own-sessions.ts";
import { openReplication, type OutputPlugin, type Replication } from "../wire/replication.ts";
import type { Session } from "../wire/session.ts";
import { changedRelations, readRelationVersions } from "./relation-versions.ts";
import type { SourceServer } from "./source-server.ts";
import { openWriteTransactions } from "./write-transactions.ts";

/** `godwit_1a2b3c4d5e_16384`: https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS-MANIPULATION (lower case letters, digits, underscores; 63 bytes). */
export function slotName(taskId: string, databaseOid: string): string {
  const suffix = `_${databaseOid}`;
  return `${`godwit_${taskId}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "_")
    .slice(0, 63 - suffix.length)}${suffix}`;
}

/** The application_name of the walsender that a task's receiver opens: by it our own ones are told from those of others. */
export function receiverName(taskId: string): string {
  return `godwit ${taskId}/stream`;
}

/** `pgoutput` has been there since 10; test_decoding comes with every server. */
export function outputPlugin(versionNum: number): OutputPlugin {
  return versionNum >= 100000 ? "pgoutput" : "test_decoding";
}

/** A walsender notices that it is to end when it next looks: at the latest when its network is writable again. */
const ATTEMPTS = 200;
const ATTEMPTS_OF_OTHERS = 20;
const PAUSE_MS = 50;

/** object_in_use, undefined_object: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const IN_USE = "55006";
const UNDEFINED = "42704";

/**
 * Drops the slot; one that is missing is fine. While it is active, our own walsenders (of this application_name) are ended first, also those of a process that died or
 * hangs. The session is in the slot's database. Throws `slot-in-use` when somebody else reads from it, or ours does not end within 10 s.
 */
export async function dropSlot(source: Session, name: string, applicationName: string, signal: AbortSignal): Promise<"dropped" | "missing"> {
  let ended = 0;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    ended += await endReceivers(source, applicationName);
    try {
      const dropped = await source.query("select pg_catalog.pg_drop_replication_slot(s.slot_name) from pg_catalog.pg_replication_slots s where s.slot_name = $1", [name]);
      return dropped.length === 0 ? "missing" : "dropped";
    } catch (error) {
      const state = sqlStateOf(error);
      if (state === UNDEFINED) return "missing"; // gone between the look and the act
      if (state !== IN_USE) throw error;
      // Others do not end because we ask: they get a second to end by themselves.
      if (attempt === ATTEMPTS || (attempt === ATTEMPTS_OF_OTHERS && ended === 0))
        throw new GodwitError("slot-in-use", await describeUse(source, name), { object: name, cause: error });
      await sleep(PAUSE_MS, undefined, { signal });
    }
  }
}

/** Asks our walsenders in this database to end; how many there were. */
export async function endReceivers(source: Session, applicationName: string): Promise<number> {
  return await endOwnSessions(source, "a.application_name = $1", [applicationName]);
}

async function describeUse(source: Session, name: string): Promise<string> {
  const prefix = `${describeEndpoint(source.endpoint)}: the replication slot ${name} is in use`;
  if (source.versionNum < 90500) return prefix; // does not tell by whom
  const [user] = await source.query<{ pid: number; user: string | null; application: string | null }>(
    `select s.active_pid as pid, a.usename as user, a.application_name as application
       from pg_catalog.pg_replication_slots s left join pg_catalog.pg_stat_activity a on a.pid = s.active_pid where s.slot_name = $1 and s.active_pid is not null`,
    [name],
  );
  if (user === undefined) return prefix;
  const facts = [user.user, user.application].filter((fact) => fact !== null && fact !== "");
  return `${prefix} by process ${user.pid}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}

/** A slot that was made just now, and the moment at which it begins. Closing it gives the snapshot up, not the slot. */
export interface NewSourceSlot extends AsyncDisposable {
  readonly name: string;
  /** For `openUnderSnapshot`: lives until this is closed. */
  readonly snapshot: string;
  /** The snapshot holds what was committed before; the stream what is committed after. */
  readonly consistentPoint: Lsn;
  readonly server: SourceServer;
  /** The connection that holds the snapshot: whoever uses it for anything else loses the snapshot. */
  readonly replication: Replication;
}

export interface SlotRequest {
  readonly name: string;
  readonly plugin: OutputPlugin;
  /** The application_name of the walsender; see receiverName. */
  readonly receiver: string;
  /** It is gone with its snapshot (since 10). */
  readonly isTemporary?: boolean;
  /** Told every 5 s for whom the server waits, each as "process 4711 of database shop (app, idle in transaction for 300 s)". */
  readonly onWait?: (blockers: readonly string[]) => void;
  /** Told which relations were changed while the slot was made, and whether it is therefore made again: the last one is kept as it is. */
  readonly onChanged?: (relations: readonly string[], isMadeAgain: boolean) => void;
}

/** Where something is truncated or created all the time, no slot is better than the one before. */
const ATTEMPTS_UNCHANGED = 5;

/**
 * Makes the slot, after the publication. A slot of this name that an earlier run left is dropped first: its snapshot is gone, so it is of no use. The server waits for all transactions, of all
 * databases, that have written something when this begins (https://www.postgresql.org/docs/current/logicaldecoding-explanation.html); the signal ends the waiting, and leaves no slot.
 *
 * A slot is made again where a relation was truncated, created or altered meanwhile: of a transaction that does so while the server looks for the slot's beginning, decoding does not know (10
 * to 18, src/backend/replication/logical/snapbuild.c), and breaks at the next row of that relation, "could not map filenode", at each try. A temporary one is only there for its snapshot,
 * which does know.
 * Errors: as `Replication.createSlot`, and `slot-in-use`.
 */
export async function createSourceSlot(source: Session, request: SlotRequest, signal: AbortSignal): Promise<NewSourceSlot> {
  if (request.isTemporary === true) return await createOnce(source, request, signal);
  for (let attempt = 1; ; attempt++) {
    const before = await readRelationVersions(source);
    await using stack = new AsyncDisposableStack();
    const slot = stack.use(await createOnce(source, request, signal));
    const changed = changedRelations(before, await readRelationVersions(source));
    const isMadeAgain = changed.length > 0 && attempt < ATTEMPTS_UNCHANGED;
    if (changed.length > 0) request.onChanged?.(changed, isMadeAgain);
    if (isMadeAgain) continue;
    stack.move();
    return slot;
  }
}

async function createOnce(source: Session, request: SlotRequest, signal: AbortSignal): Promise<NewSourceSlot> {
  await dropSlot(source, request.name, request.receiver, signal);
  const replication = await openReplication(source.endpoint, { applicationName: request.receiver, signal });
  const ended = new AbortController();
  const watching = tellWaiting(source, request.onWait, ended.signal).catch(() => undefined); // whoever cannot look has nothing to tell
  try {
    const { systemId, timeline } = await replication.identify(); // before: no command may follow
    const { snapshot, consistentPoint } = await createPatiently(replication, request, signal);
    return { name: request.name, snapshot, consistentPoint, server: { systemId, timeline }, replication, [Symbol.asyncDispose]: async () => await replication.close() };
  } catch (error) {
    await replication.close();
    throw error;
  } finally {
    ended.abort();
    await watching;
  }
}

/**
 * A snapshot that is exported names every transaction, and subtransaction, that was begun behind its oldest one and was not committed, as many as the server may have connections
 * ("initial slot snapshot too large", serialization_failure). Where many are rolled back that is a matter of luck: the fewer the less was waited for.
 */
const TOO_LARGE = "40001";
/** As 9.4 and 9.5 say it: elog is never translated. */
const TOO_LARGE_BEFORE = { state: "XX000", words: "snapshot too large" } as const;
const SNAPSHOT_ATTEMPTS = 100;

async function createPatiently(replication: Replication, { name, plugin, isTemporary }: SlotRequest, signal: AbortSignal): ReturnType<Replication["createSlot"]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await replication.createSlot(name, plugin, isTemporary);
    } catch (error) {
      if (!isTooLarge(error) || attempt === SNAPSHOT_ATTEMPTS) throw error;
    }
    await sleep(PAUSE_MS, undefined, { signal });
  }
}

function isTooLarge(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === TOO_LARGE || (state === TOO_LARGE_BEFORE.state && (error as GodwitError).message.includes(TOO_LARGE_BEFORE.words));
}

const TELL_EVERY_MS = 5000;

async function tellWaiting(source: Session, onWait: SlotRequest["onWait"], signal: AbortSignal): Promise<void> {
  if (onWait === undefined) return;
  for (;;) {
    await sleep(TELL_EVERY_MS, undefined, { signal });
    const blockers = await openWriteTransactions(source);
    if (!signal.aborted && blockers.length > 0) onWait(blockers);
  }
}
