import { applyEntries, applyTogether, describeEntry, type EntryNotes } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import type { Session } from "../wire/session.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { StepResult } from "./step-result.ts";

/**
 * Whether the account may set session_replication_role = replica, with which triggers, rules and foreign keys do not act on what the applier writes: superusers,
 * from 15 on whoever was granted it, and accounts of managed services that allow it. Tried, not guessed. The session has no transaction open.
 * https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
 */
export async function mayBypassTriggers(target: Session): Promise<boolean> {
  try {
    await target.query("select pg_catalog.set_config('session_replication_role', 'replica', true)"); // gone with the statement
    return true;
  } catch (error) {
    if (!(error instanceof GodwitError) || error.code !== "privilege-missing") throw error;
    return false;
  }
}

export interface DividedEntries {
  /** Created before the data, or behind the copy. */
  readonly now: readonly Entry[];
  /** Created at Complete: they would act on changes that already hold what they did at the source. */
  readonly deferred: readonly Entry[];
}

/** `ALTER TABLE t ENABLE ALWAYS TRIGGER x`, `ENABLE REPLICA RULE x`: these act also, or only, where the others do not. */
const ALWAYS = /^ALTER TABLE [^\n]+ ENABLE (?:ALWAYS|REPLICA) (?:TRIGGER|RULE) /m;

/**
 * Divides entries (those behind the data) by whether they may be there while changes are applied. With `bypassesTriggers` only triggers and rules wait that are enabled ALWAYS or
 * REPLICA; without, all triggers, rules and foreign keys. `keysWait`: foreign keys in any case, as the rows are of several moments until the stream has made them one. What depends on one of them (its comment) waits with it.
 */
export function divideDeferred(entries: readonly Entry[], bypassesTriggers: boolean, keysWait = false): DividedEntries {
  const acts = ({ type, sql }: Entry): boolean =>
    (keysWait && type === "FK CONSTRAINT") ||
    (bypassesTriggers ? (type === "TRIGGER" || type === "RULE") && ALWAYS.test(sql) : type === "TRIGGER" || type === "RULE" || type === "FK CONSTRAINT");
  const waiting = new Set<number>();
  for (const entry of entries) if (acts(entry) || entry.dependencies.some((id) => waiting.has(id))) waiting.add(entry.dumpId);
  return { now: entries.filter(({ dumpId }) => !waiting.has(dumpId)), deferred: entries.filter(({ dumpId }) => waiting.has(dumpId)) };
}

/** Creates what waited, and does not act on what is applied; with notes of the ledger it goes on behind what an earlier try created. The session is one of `prepareForEntries`. */
export async function applyDeferred(target: Session, deferred: readonly Entry[], notes: EntryNotes, signal: AbortSignal): Promise<StepResult> {
  const aligned: { object: string; to: string }[] = [];
  await applyEntries(target, deferred, (entry) => aligned.push({ object: describeEntry(entry), to: "created" }), signal, notes);
  return { aligned, notes: [] };
}

/**
 * Creates what acts on the rows of whoever writes, in the transaction that is open: that of the hand-over. So it is there when no change is applied any more, or not at all: a run that goes on
 * behind one that was cut off applies changes again.
 */
export async function applyActing(target: Session, acting: readonly Entry[]): Promise<StepResult> {
  const aligned: { object: string; to: string }[] = [];
  await applyTogether(target, acting, (entry) => aligned.push({ object: describeEntry(entry), to: "created" }));
  return { aligned, notes: [] };
}
