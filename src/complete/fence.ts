import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import { inWritingTransaction } from "../source/lock-patiently.ts";
import { stopLsn } from "../source/source-position.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Lsn } from "../wire/lsn.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { describeSession, endForeignSessions, type ForeignSession, foreignSessions, isOn, preparedTransactions, unstoppableWriters } from "./fence-sessions.ts";

/** What `raiseFence` changes, and what it was before. Plain data: kept before the fence is raised. */
export interface Fence {
  readonly database: string;
  /** What ALTER DATABASE … SET default_transaction_read_only said; null: nothing. */
  readonly before: string | null;
}

export interface FenceOptions {
  /** Open transactions have so long to come to their end by themselves; connections without one are ended at once. */
  readonly graceMs: number;
  /** For so long it is waited until all connections of before are gone; with `graceMs` this bounds the write pause. */
  readonly withinMs: number;
}

export const FENCE_OPTIONS: FenceOptions = { graceMs: 500, withinMs: 3000 };

export interface RaisedFence {
  /** All that was committed lies before it, and is on the source's disk. */
  readonly stop: Lsn;
  /** Connections that were ended. */
  readonly ended: number;
  /** From the first moment at which somebody could no longer write until the stop position was known. */
  readonly ms: number;
}

/** Reads what the fence would change. Throws `privilege-missing` unless the account owns the database or is a superuser. */
export async function planFence(source: Session): Promise<Fence> {
  const [row] = await source.query<{ name: string; owned: boolean }>(
    `select d.datname as name, pg_catalog.pg_has_role(d.datdba, 'usage') or r.rolsuper as owned
       from pg_catalog.pg_database d, pg_catalog.pg_roles r where d.datname = pg_catalog.current_database() and r.rolname = current_user`,
  );
  const database = row?.name ?? "";
  if (row?.owned !== true) {
    throw new GodwitError("privilege-missing", `${describeEndpoint(source.endpoint)}: only the owner of the database, or a superuser, can make it read-only`, {
      object: database,
      advice: "Connect to the source as the database's owner, or complete without the fence, with the application stopped.",
    });
  }
  return { database, before: await databaseSetting(source) };
}

/**
 * Before a fence is raised, and anybody ended for it: throws `fence-incomplete` where somebody is in its way for as long as it would wait. Who comes between this and the fence is met by `raiseFence`.
 */
export async function expectFenceable(source: Session, { withinMs }: FenceOptions, signal: AbortSignal): Promise<void> {
  const until = await clock(source);
  const left = await untilNobody({ rounds: 1, withinMs, signal }, async () => {
    const sessions = (await foreignSessions(source, until)).filter(({ isOld, mayEnd }) => isOld !== false && !mayEnd);
    return { sessions, others: await unstoppableWriters(source) };
  });
  if (!isNobody(left)) throw incomplete(source, left);
}

/**
 * Makes the session's database read-only for everybody but us: new transactions of new connections are read-only (ALTER DATABASE … SET default_transaction_read_only, which
 * the owner may do), and all connections of before are ended, so that everybody's are new. Then nothing writes any more, but for whoever says so in so many words.
 *
 * Guaranteed: when this returns, no connection of before is left (clients, connections of kind replication=database but those that stream, background workers), no prepared transaction, no subscription and no role with a setting of its own; what was committed
 * lies before `stop`. Not guaranteed, as it is a default: a client that says SET TRANSACTION READ WRITE or SET default_transaction_read_only = off, or connects with that (options=-c …), goes on to write. That
 * none did is proved afterwards, from the stream itself, which is watched until the slot is dropped: see FenceProof. Sequences are not drawn from either, and temporary tables are not hindered.
 *
 * Rejected: REVOKE CONNECT (open connections stay, owners and superusers come in), ALLOW_CONNECTIONS false (we could not come in ourselves), LOCK TABLE on all tables (fills the
 * lock table, lets writers hang instead of telling them, ends with our connection).
 *
 * Our own later connections are under the fence too: they begin "read write" where they write (`inWritingTransaction`). Idempotent; what cannot be fenced makes it
 * throw `fence-incomplete`, naming who is left, with the fence lowered again. After other errors it may still be up: whoever kept its plan raises it again, or lowers it.
 */
export async function raiseFence(source: Session, fence: Fence, options: FenceOptions, signal: AbortSignal): Promise<RaisedFence> {
  const { graceMs, withinMs } = options;
  const since = performance.now();
  await setDatabase(source, fence.database, "on");
  let left: Left;
  try {
    const until = await clock(source);
    const ended = new Set<number>();
    left = await untilNobody({ rounds: CLEAN_ROUNDS, withinMs, signal }, async (waitedMs) => {
      const sessions = (await foreignSessions(source, until)).filter(({ isOld }) => isOld !== false);
      await endSessions(source, sessions, waitedMs > graceMs, ended);
      return { sessions, others: sessions.length === 0 ? await unstoppableWriters(source) : [] };
    });
    if (isNobody(left)) return { stop: await stopLsn(source), ended: ended.size, ms: performance.now() - since };
    if (left.others.length === 0) left = { ...left, others: await unstoppableWriters(source) };
  } catch (error) {
    await lowerFence(source, fence, options).catch(() => undefined); // whoever kept the fence's plan lowers it when this connection cannot
    throw error;
  }
  const { readOnly } = await lowerFence(source, fence, options);
  const older = new Set(left.sessions.flatMap(({ pid, isOld }) => (isOld === true ? [pid] : [])));
  throw incomplete(source, left, readOnly.filter(({ pid }) => !older.has(pid))); // prettier-ignore
}

export interface LoweredFence {
  /** "elsewise": somebody else has changed the setting meanwhile, and it stays. */
  readonly outcome: "lowered" | "elsewise";
  /** Who was there before it was lowered, and could not be ended: whoever of them began behind the fence stays read-only until he connects anew. */
  readonly readOnly: readonly ForeignSession[];
}

/**
 * Restores what was set before; only if it is still what we set. A session keeps the default that it began with, so those that are there are ended (but for who has a transaction open that has
 * written, as he can): their pools open new ones, which may write. Idempotent: done again where a run died in between, or the setting was lifted by hand.
 */
export async function lowerFence(source: Session, { database, before }: Fence, { graceMs, withinMs }: FenceOptions = FENCE_OPTIONS): Promise<LoweredFence> {
  const now = await databaseSetting(source);
  if (now !== before && now !== "on") return { outcome: "elsewise", readOnly: [] };
  if (now !== before) await setDatabase(source, database, before);
  const until = await clock(source);
  const ended = new Set<number>();
  let readOnly: ForeignSession[] = [];
  await untilNobody({ rounds: CLEAN_ROUNDS, withinMs }, async (waitedMs) => {
    readOnly = (await foreignSessions(source, until)).filter(({ isOld, hasWritten }) => isOld !== false && !hasWritten);
    await endSessions(source, readOnly, waitedMs > graceMs, ended);
    return { sessions: readOnly.filter(({ mayEnd }) => mayEnd), others: [] };
  });
  return { outcome: "lowered", readOnly };
}

/** Who has a transaction open that has written something and may still commit; each in words. Nobody: an empty list. */
export async function openWriters(source: Session): Promise<string[]> {
  return [...(await writingSessions(source)), ...(await unstoppableWriters(source))];
}

async function writingSessions(source: Session): Promise<string[]> {
  const sessions = await foreignSessions(source, await clock(source));
  return sessions.filter(({ hasWritten }) => hasWritten).map(describeSession);
}

/** Who might still write when the slot is dropped: those with transactions open that have written, or prepared; and behind a fence whoever it does not stop. Each in words. */
export async function lastWriters(source: Session, isFenced: boolean): Promise<string[]> {
  if (!isFenced) return [...(await writingSessions(source)), ...(await preparedTransactions(source))]; // in this order: what is prepared in between is among the latter
  const setting = await databaseSetting(source);
  const isLifted = setting === null || !(await isOn(source, setting));
  return [...(await openWriters(source)), ...(isLifted ? ["everybody, as the fence was lifted (default_transaction_read_only of the database)"] : [])];
}

const ROUND_MS = 20;
/**
 * Between a new connection's reading of its settings and its appearance in pg_stat_activity lie moments: one that read them just before they changed shows up a
 * little later. So nobody may be there twice, so far apart.
 */
const CLEAN_ROUNDS = 3;

/** Who is in the way. */
interface Left {
  readonly sessions: readonly ForeignSession[];
  /** In words. */
  readonly others: readonly string[];
}

function isNobody({ sessions, others }: Left): boolean {
  return sessions.length + others.length === 0;
}

interface Rounds {
  readonly rounds: number;
  readonly withinMs: number;
  readonly signal?: AbortSignal;
}

/** Looks until nobody was there so many times in a row, or the time is over. Returns whom it saw last. */
async function untilNobody({ rounds, withinMs, signal }: Rounds, look: (waitedMs: number) => Promise<Left>): Promise<Left> {
  const begin = performance.now();
  for (let clean = 0; ;) {
    signal?.throwIfAborted();
    const waitedMs = performance.now() - begin;
    const left = await look(waitedMs);
    clean = isNobody(left) ? clean + 1 : 0;
    if (clean === rounds || (waitedMs > withinMs && clean === 0)) return left;
    await sleep(ROUND_MS, undefined, { signal });
  }
}

/** Ends those that may be ended, each once; before the grace `isOver`, only those without a transaction. */
async function endSessions(source: Session, sessions: readonly ForeignSession[], isOver: boolean, ended: Set<number>): Promise<void> {
  const pids = sessions.filter(({ mayEnd, state, pid }) => mayEnd && (isOver || state === "idle") && !ended.has(pid)).map(({ pid }) => pid);
  await endForeignSessions(source, pids);
  for (const pid of pids) ended.add(pid);
}

/** No more than fit in a message. */
const MOST_NAMED = 8;

/** `readOnly`: who may have come behind the fence that was lowered again, and could not be ended; those that the account may not see are among the others, too. */
function incomplete(source: Session, { sessions, others }: Left, readOnly: readonly ForeignSession[] = []): GodwitError {
  const who = [...sessions.map((session) => `${describeSession(session)}${session.mayEnd ? "" : ", which this account may not end"}`), ...others];
  const named = new Set(sessions.map(({ pid }) => pid));
  const behind = readOnly.length === 0 ? "" : `. ${tellReadOnly(readOnly.filter(({ pid }) => !named.has(pid)))}`;
  return new GodwitError("fence-incomplete", `${describeEndpoint(source.endpoint)}: still able to write: ${listed(who)}${behind}`);
}

/** What becomes of sessions that began behind a fence and outlast it. */
export function tellReadOnly(sessions: readonly ForeignSession[]): string {
  const who = sessions.length === 0 ? "" : `: ${listed(sessions.map(describeSession))}`;
  return `Who began behind the fence and could not be ended can only read until he connects anew${who}`;
}

function listed(who: readonly string[]): string {
  const shown = who.slice(0, MOST_NAMED).join("; ");
  return `${shown}${who.length > MOST_NAMED ? `; and ${who.length - MOST_NAMED} more` : ""}`;
}

async function clock(source: Session): Promise<string> {
  const [row] = await source.query<{ now: string }>("select pg_catalog.clock_timestamp()::pg_catalog.text as now");
  return row?.now ?? "";
}

/** https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html */
async function databaseSetting(source: Session): Promise<string | null> {
  const rows = await source.query<{ value: string }>(
    `select pg_catalog.split_part(c.setting, '=', 2) as value
       from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c(setting)
      where s.setrole = 0 and s.setdatabase = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
        and pg_catalog.split_part(c.setting, '=', 1) = 'default_transaction_read_only'`,
  );
  return rows[0]?.value ?? null;
}

async function setDatabase(source: Session, database: string, value: string | null): Promise<void> {
  const name = quoteIdentifier(database);
  const setting = "default_transaction_read_only";
  await inWritingTransaction(
    source,
    async () => await source.query(value === null ? `alter database ${name} reset ${setting}` : `alter database ${name} set ${setting} = ${quoteLiteral(value)}`),
  );
}
