import type { Ledger } from "../copy/ledger.ts";
import { fromServer } from "../errors/from-server.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";
import type { Entry } from "./entry.ts";

/** What pg_dump sets at the top of its output, for the session that applies entries. */
const APPLY_SETTINGS = "set check_function_bodies = false; set xmloption = content; set client_min_messages = warning;";

export async function prepareForEntries(session: Session): Promise<void> {
  await session.query(APPLY_SETTINGS);
}

/** Where it is noted how many of a list of entries are applied. */
export interface EntryNotes {
  readonly ledger: Ledger;
  /** "structure": the notes are `structure 1200`, `structure 2400` … */
  readonly name: string;
}

/**
 * Applies entries in order, one statement group per entry, in transactions of as many entries as the target's lock table
 * holds easily: a database of ordinary size arrives in one transaction, so that a failure leaves nothing behind. With notes, it goes on behind
 * the last noted entry.
 * The session should be pipelined: then a thousand entries cost a few round trips.
 * Throws `structure-failed` (or what the SQLSTATE says) for the first entry that fails, naming it; its transaction is rolled back.
 */
export async function applyEntries(session: Session, entries: readonly Entry[], onApplied: (entry: Entry) => void, signal: AbortSignal, notes?: EntryNotes): Promise<void> {
  const groupSize = await entriesPerTransaction(session);
  for (let from = noted(notes); from < entries.length; from += groupSize) {
    signal.throwIfAborted();
    const group = entries.slice(from, from + groupSize);
    await applyGroup(session, group, onApplied, notes && { ledger: notes.ledger, job: `${notes.name} ${from + group.length}` });
  }
}

/** How many entries are applied already. */
function noted(notes: EntryNotes | undefined): number {
  if (notes === undefined) return 0;
  return notes.ledger.jobs(`${notes.name} `).reduce((most, job) => Math.max(most, Number(job.slice(notes.name.length + 1))), 0);
}

async function applyGroup(session: Session, group: readonly Entry[], onApplied: (entry: Entry) => void, note?: { ledger: Ledger; job: string }): Promise<void> {
  let failure: unknown;
  const answers: Promise<unknown>[] = [session.query("begin")];
  // First, so that a process whose time is over does nothing at all.
  if (note !== undefined) answers.push(session.query(note.ledger.noteSql(note.job)).catch((error: unknown) => ((failure ??= note.ledger.explain(error)), [])));
  answers.push(applyTogether(session, group, onApplied).catch((error: unknown) => (failure ??= error)));
  await Promise.all(answers);
  await session.query(failure === undefined ? "commit" : "rollback");
  if (failure !== undefined) throw failure;
}

/** The same in the transaction that is open, which is the caller's. */
export async function applyTogether(session: Session, entries: readonly Entry[], onApplied: (entry: Entry) => void): Promise<void> {
  let settings = "";
  let failure: unknown;
  const answers = entries.map(async (entry) => {
    const sql = entry.settings === settings ? entry.sql : `${entry.settings}\n${entry.sql}`;
    settings = entry.settings;
    // Only the first error tells something: all that follow say that the transaction is aborted.
    await applyEntry(session, { ...entry, sql, settings: "" }, onApplied).catch((error: unknown) => (failure ??= error));
  });
  await Promise.all(answers);
  if (failure !== undefined) throw failure;
}

/** Runs the statements of one entry. Throws `structure-failed`, or what the SQLSTATE says, naming it. */
export async function applyEntry(session: Session, entry: Entry, onApplied: (entry: Entry) => void): Promise<never[]> {
  try {
    await session.client.query(entry.settings === "" ? entry.sql : `${entry.settings}\n${entry.sql}`);
  } catch (error) {
    throw fromServer(error, {
      server: describeEndpoint(session.endpoint),
      doing: `creating ${describeEntry(entry)}`,
      object: describeEntry(entry),
      otherwise: session.socket.destroyed ? "connection-lost" : "structure-failed",
    });
  }
  onApplied(entry);
  return [];
}

/** "TABLE public.orders", "FK CONSTRAINT public.orders orders_customer_fkey". */
export function describeEntry(entry: Entry): string {
  return `${entry.type} ${entry.schema === "-" ? "" : `${entry.schema}.`}${entry.name}`;
}

/**
 * A created table takes about four lock table slots (itself, its toast table and index, its types); a quarter of the table is
 * ours. https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
 */
async function entriesPerTransaction(session: Session): Promise<number> {
  const [row] = await session.query<{ slots: number }>(
    `select pg_catalog.current_setting('max_locks_per_transaction')::int * (pg_catalog.current_setting('max_connections')::int + pg_catalog.current_setting('max_prepared_transactions')::int) as slots`,
  );
  return Math.max(100, Math.floor((row?.slots ?? 6400) / 16));
}
