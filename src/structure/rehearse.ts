import { type Relation, displayName } from "../catalog/catalog.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { prepareForEntries } from "./apply-entries.ts";
import { type Attempt, attemptInOrder, type Refusal } from "./attempt.ts";
import type { Entry } from "./entry.ts";
import { hasConvertedBody } from "./rewrite/sql-body.ts";
import { type RoleFacts, missingRoles } from "./read-roles.ts";

interface EntryAttempt extends Attempt {
  readonly entry: Entry;
}

export interface EntryRefusal {
  readonly entry: Entry;
  /** What the server said, without values of rows: there are none. */
  readonly message: string;
}

export interface Rehearsal {
  /** The entries that were refused for themselves, not those that only lack a refused one. */
  readonly refusals: EntryRefusal[];
  /** Of the given relations, those that were not there in the end. */
  readonly absent: Relation[];
}

/**
 * Creates everything in one transaction and rolls it back: what the target refuses is known before anything stays. Roles that are to move
 * are created first, as owners.
 * Event triggers come last: they would fire for what is behind them (but not for each other, and what they do may reach beyond a transaction).
 * Bodies that became strings are read by the server too, when everything that they name is there.
 * Throws what SQLSTATE classes 53 and 57 say (no room, shutdown …), and that a lock was not to be had: these are no answers to an entry.
 */
export async function rehearseEntries(session: Session, entries: readonly Entry[], roles: readonly RoleFacts[], relations: readonly Relation[]): Promise<Rehearsal> {
  const missing = new Set(
    await missingRoles(
      session,
      roles.map(({ name }) => name),
    ),
  );
  await session.query("begin");
  try {
    // Nobody's statement waits long behind this, nor this behind theirs: https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT
    await session.query("set local lock_timeout = '5s'");
    await prepareForEntries(session);
    await attemptInOrder(session, roleAttempts(session, roles.filter(({ name }) => missing.has(name)))); // prettier-ignore
    const eventTriggers = entries.filter(({ type }) => type === "EVENT TRIGGER");
    const ids = new Set(eventTriggers.map(({ dumpId }) => dumpId));
    const others = entries.filter(({ dumpId, dependencies }) => !ids.has(dumpId) && !dependencies.some((id) => ids.has(id)));
    const refused = await attemptInOrder(session, others.map(toAttempt));
    refused.push(...(await attemptInOrder(session, bodiesToRead(others, refused))));
    refused.push(...(await attemptInOrder(session, eventTriggers.map(toAttempt))));
    const noAnswer = refused.find(({ sqlState, error }) => /^5[37]/.test(sqlState) || error.code === "lock-unavailable");
    if (noAnswer !== undefined) throw noAnswer.error;
    return { refusals: withoutConsequences(refused), absent: await absentOf(session, relations) };
  } finally {
    await session.query("rollback").catch(() => undefined); // a lost connection has rolled back by itself
  }
}

/** Just what owning asks for: a superuser's objects need one, and a plain account must be a member of those to whom it gives objects. */
function roleAttempts(session: Session, roles: readonly RoleFacts[]): Attempt[] {
  const join = session.versionNum >= 160000 ? "set local createrole_self_grant = 'set, inherit'; " : "";
  return roles.flatMap(({ name, superuser }) => {
    const role = quoteIdentifier(name);
    return [
      { what: name, sql: `${join}create role ${role}` },
      { what: name, sql: superuser ? `alter role ${role} superuser` : `grant ${role} to ${quoteIdentifier(session.endpoint.user)}` },
    ];
  });
}

async function absentOf(session: Session, relations: readonly Relation[]): Promise<Relation[]> {
  if (relations.length === 0) return [];
  const there = await session.query<{ schema: string; name: string }>(
    "select n.nspname as schema, c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relname = any($1::pg_catalog.text[])",
    [relations.map(({ name }) => name)],
  );
  const names = new Set(there.map(displayName));
  return relations.filter((relation) => !names.has(displayName(relation)));
}

function toAttempt(entry: Entry): EntryAttempt {
  return { entry, what: entry.name, sql: `${entry.settings}\n${entry.sql}` };
}

/** https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-CHECK-FUNCTION-BODIES */
function bodiesToRead(entries: readonly Entry[], refused: readonly Refusal<EntryAttempt>[]): EntryAttempt[] {
  const known = new Set(refused.map(({ attempt }) => attempt.entry));
  return entries
    .filter((entry) => !known.has(entry) && hasConvertedBody(entry))
    .map((entry) => ({ entry, what: entry.name, sql: `set local check_function_bodies = on; ${entry.sql.replace(/^CREATE /m, "CREATE OR REPLACE ")}` }));
}

/** undefined_table, undefined_object, undefined_function: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNDEFINED = new Set(["42P01", "42704", "42883"]);

/** Without those that only lack what was refused before them. (pg_dump's dependencies do not lead through the rules of views.) */
function withoutConsequences(refused: readonly Refusal<EntryAttempt>[]): EntryRefusal[] {
  const lacking: string[] = [];
  const own: EntryRefusal[] = [];
  for (const { attempt, sqlState, error } of refused) {
    const message = error.cause instanceof Error ? error.cause.message : error.message;
    const { entry } = attempt;
    const isConsequence = UNDEFINED.has(sqlState) && lacking.some((name) => message.includes(name));
    if (!isConsequence) own.push({ entry, message });
    lacking.push(`${entry.schema}.${entry.name.replace(/\(.*/s, "")}`);
  }
  return own;
}

/** About how many slots of the lock table creating these takes: a table, its toast table, the index of that, its row type. */
export function locksFor(entries: readonly Entry[]): number {
  const slots: Readonly<Record<string, number>> = { "TABLE": 4, "MATERIALIZED VIEW": 4, "INDEX": 2, "CONSTRAINT": 2 }; // prettier-ignore
  return entries.reduce((sum, { type }) => sum + (slots[type] ?? 1), 0);
}
