import { quoteIdentifier } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import { prepareForEntries } from "./apply-entries.ts";
import { type Attempt, attemptInOrder, type Refusal } from "./attempt.ts";
import type { Entry } from "./entry.ts";
import { type RoleFacts, missingRoles } from "./read-roles.ts";

interface EntryAttempt extends Attempt {
  readonly entry: Entry;
}

export interface EntryRefusal {
  readonly entry: Entry;
  /** What the server said, without values of rows: there are none. */
  readonly message: string;
}

/**
 * Creates everything in one transaction and rolls it back: what the target refuses is known before anything stays. Roles that are to move
 * are created first, as owners. Returns the entries that were refused for themselves, not those that only lack a refused one.
 * Event triggers are left out: they would fire for the statements behind them, and what they do may reach beyond a transaction.
 * Throws what SQLSTATE classes 53 and 57 say (no room, shutdown …): these are no answers to an entry.
 */
export async function rehearseEntries(session: Session, entries: readonly Entry[], roles: readonly RoleFacts[]): Promise<EntryRefusal[]> {
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
    const refused = await attemptInOrder(session, entryAttempts(entries));
    const noAnswer = refused.find(({ sqlState }) => /^5[37]/.test(sqlState));
    if (noAnswer !== undefined) throw noAnswer.error;
    return withoutConsequences(refused);
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

function entryAttempts(entries: readonly Entry[]): EntryAttempt[] {
  const eventTriggers = new Set(entries.filter(({ type }) => type === "EVENT TRIGGER").map(({ dumpId }) => dumpId));
  return entries
    .filter(({ dumpId, dependencies }) => !eventTriggers.has(dumpId) && !dependencies.some((id) => eventTriggers.has(id)))
    .map((entry) => ({ entry, what: entry.name, sql: `${entry.settings}\n${entry.sql}` }));
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
