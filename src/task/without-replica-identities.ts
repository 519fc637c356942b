/** `ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;`, as pg_dump writes it below tables and indexes: between an empty line and the end of its own. */
const STATEMENT = /(?:^|\n)ALTER TABLE ONLY [^\n]+ REPLICA IDENTITY (?:FULL|NOTHING|USING INDEX [^\n]+);(?:\n|$)/g;

/** The statements of an entry, but for replica identities: these are what we ourselves change at the source for the time of a task. */
export function withoutReplicaIdentities(sql: string): string {
  return sql.replaceAll(STATEMENT, "").trimEnd();
}
