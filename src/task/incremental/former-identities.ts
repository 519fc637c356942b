import type { IdentityChange } from "../../source/replica-identity.ts";
import type { Entry } from "../../structure/entry.ts";

/** `ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;`, as pg_dump writes it below tables and indexes: between an empty line and the end of its own. */
const STATEMENT = /(?:^|\n)ALTER TABLE ONLY (?<table>[^\n]+) REPLICA IDENTITY (?:FULL|NOTHING|USING INDEX [^\n]+);(?:\n|$)/g;

/** The statements of an entry, but for replica identities: these are what we ourselves change at the source for the time of a task. */
export function withoutReplicaIdentities(sql: string): string {
  return sql.replaceAll(STATEMENT, "").trimEnd();
}

/**
 * Entries that were read after the task had changed replica identities at the source: the target's tables keep those of before, with which they were created.
 */
export function withFormerIdentities(entries: readonly Entry[], changes: readonly Pick<IdentityChange, "schema" | "name">[]): Entry[] {
  if (changes.length === 0) return [...entries];
  const changed = new Set(changes.map(({ schema, name }) => `${schema}.${name}`));
  const plain = (table: string): string => table.replaceAll(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
  return entries.map((entry) => ({ ...entry, sql: entry.sql.replaceAll(STATEMENT, (statement, table: string) => (changed.has(plain(table)) ? "" : statement)).trimEnd() }));
}
