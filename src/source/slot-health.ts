import { GodwitError } from "../errors/godwit-error.ts";
import { formatLsn, type Lsn, parseLsn } from "../wire/lsn.ts";
import type { Session } from "../wire/session.ts";
import { currentLsnSql, lsnDifferenceSql } from "./source-position.ts";

/** A replication slot as the source shows it (https://www.postgresql.org/docs/current/view-pg-replication-slots.html); undefined is what its version does not tell. */
export interface SlotFacts {
  readonly name: string;
  readonly plugin: string;
  readonly database: string;
  readonly active: boolean;
  readonly activePid: number | undefined;
  /** What is kept for it begins here. */
  readonly restartLsn: Lsn | undefined;
  /** What we reported last: what was committed before does not come again. 9.6 and newer. */
  readonly confirmedFlushLsn: Lsn | undefined;
  /** Bytes of WAL that are kept for it. */
  readonly retainedBytes: number | undefined;
  /** 13 and newer. */
  readonly walStatus: "reserved" | "extended" | "unreserved" | "lost" | undefined;
  /** How much more may be written before it may be lost (max_slot_wal_keep_size). 13 and newer. */
  readonly safeWalBytes: number | undefined;
  /** Why it is lost: wal_removed, rows_removed, wal_level_insufficient, idle_timeout. 17 and newer. */
  readonly invalidationReason: string | undefined;
  /** Transactions since the oldest one whose catalog rows VACUUM has to keep for it. */
  readonly catalogXminAge: number | undefined;
}

interface Row {
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active: boolean;
  readonly pid: number | null;
  readonly restart: string | null;
  readonly confirmed: string | null;
  readonly retained: string | null;
  readonly status: NonNullable<SlotFacts["walStatus"]> | null;
  readonly safe: string | null;
  readonly reason: string | null;
  readonly age: number | null;
}

/** undefined: the source has no slot of this name. One cheap query. */
export async function readSlot(source: Session, name: string): Promise<SlotFacts | undefined> {
  const { versionNum } = source;
  const since = (version: number, expression: string): string => (versionNum >= version ? expression : "null");
  // xid_age counts from the next transaction: https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
  const [row] = await source.query<Row>(
    `select s.plugin, s.database, s.active, ${since(90500, "s.active_pid")} as pid, s.restart_lsn::pg_catalog.text as restart,
            ${since(90600, "s.confirmed_flush_lsn")}::pg_catalog.text as confirmed, ${lsnDifferenceSql(versionNum, currentLsnSql(versionNum), "s.restart_lsn")} as retained,
            ${since(130000, "s.wal_status")} as status, ${since(130000, "s.safe_wal_size")} as safe, ${since(170000, "s.invalidation_reason")} as reason,
            pg_catalog.age(s.catalog_xmin) as age
       from pg_catalog.pg_replication_slots s where s.slot_name = $1`,
    [name],
  );
  if (row === undefined) return undefined;
  const lsn = (text: string | null): Lsn | undefined => (text === null ? undefined : parseLsn(text));
  const number = (text: string | null): number | undefined => (text === null ? undefined : Number(text));
  return {
    name,
    plugin: row.plugin ?? "",
    database: row.database ?? "",
    active: row.active,
    activePid: row.pid ?? undefined,
    restartLsn: lsn(row.restart),
    confirmedFlushLsn: lsn(row.confirmed),
    retainedBytes: number(row.retained),
    walStatus: row.status ?? undefined,
    safeWalBytes: number(row.safe),
    invalidationReason: row.reason ?? undefined,
    catalogXminAge: row.age ?? undefined,
  };
}

/** From where on a slot is worth an alarm. */
export interface SlotThresholds {
  readonly retainedBytes: number;
  /** Of catalog_xmin; autovacuum gets anxious at autovacuum_freeze_max_age, 200 million by default. */
  readonly xminAge: number;
}

export const SLOT_THRESHOLDS: SlotThresholds = { retainedBytes: 16 * 1024 ** 3, xminAge: 150_000_000 };

/** `lost`: nothing can be received from it any more, or not everything: the task has to begin anew. */
export interface SlotHealth {
  readonly state: "fine" | "alarm" | "lost";
  /** Sentences for people: what is wrong, and by how much. */
  readonly problems: readonly string[];
  readonly facts: SlotFacts | undefined;
}

/** Looks after the slot: to be called every few seconds. `applied`: what the target has; a slot that begins behind it has a gap before it. */
export async function readSlotHealth(source: Session, name: string, applied: Lsn | undefined, thresholds: SlotThresholds = SLOT_THRESHOLDS): Promise<SlotHealth> {
  return judgeSlot(name, await readSlot(source, name), applied, thresholds);
}

/** The same of facts that are known already. */
export function judgeSlot(name: string, facts: SlotFacts | undefined, applied: Lsn | undefined, thresholds: SlotThresholds = SLOT_THRESHOLDS): SlotHealth {
  if (facts === undefined) return { state: "lost", problems: [`the replication slot ${name} is gone: somebody dropped it, or the source is another server now`], facts };
  const lost = lossOf(facts, applied);
  if (lost !== undefined) return { state: "lost", problems: [lost], facts };
  const problems = [...walProblems(facts, thresholds)];
  if (facts.catalogXminAge !== undefined && facts.catalogXminAge > thresholds.xminAge)
    problems.push(`the slot ${name} keeps VACUUM from cleaning up catalogs behind the last ${facts.catalogXminAge} transactions`);
  return { state: problems.length === 0 ? "fine" : "alarm", problems, facts };
}

/** A slot that begins behind what the target has was made anew, or moved on: what lies between would be missing in silence. Throws `slot-lost`. */
export async function refuseLostSlot(source: Session, name: string, applied: Lsn): Promise<void> {
  const { state, problems } = await readSlotHealth(source, name, applied);
  if (state === "lost") throw new GodwitError("slot-lost", problems.join("; "), { object: name });
}

function lossOf({ name, walStatus, invalidationReason, confirmedFlushLsn, restartLsn }: SlotFacts, applied: Lsn | undefined): string | undefined {
  if (walStatus === "lost" || invalidationReason !== undefined) {
    const why = invalidationReason ?? "WAL that it needs was removed: max_slot_wal_keep_size is smaller than what we were behind";
    return `the source has invalidated the replication slot ${name} (${why})`;
  }
  const begin = confirmedFlushLsn ?? restartLsn;
  if (begin === undefined) return `the replication slot ${name} has no position: it was never completed`;
  if (applied === undefined || begin <= applied) return undefined;
  return `the replication slot ${name} was made anew or moved on by somebody: it begins at ${formatLsn(begin)}, and the target has what was committed up to ${formatLsn(applied)}; changes between are gone`;
}

function* walProblems({ name, retainedBytes, walStatus, safeWalBytes }: SlotFacts, thresholds: SlotThresholds): Generator<string> {
  if (walStatus === "unreserved") yield `the slot ${name} needs WAL that the next checkpoint of the source may remove: it is about to be lost (max_slot_wal_keep_size)`;
  // A short way to the limit counts only where some of it is used.
  else if (safeWalBytes !== undefined && retainedBytes !== undefined && safeWalBytes < retainedBytes / 4)
    yield `the slot ${name} is lost after ${inGigabytes(safeWalBytes)} more of WAL (max_slot_wal_keep_size)`;
  if (retainedBytes !== undefined && retainedBytes > thresholds.retainedBytes) yield `the source keeps ${inGigabytes(retainedBytes)} of WAL for the slot ${name}`;
}

function inGigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
