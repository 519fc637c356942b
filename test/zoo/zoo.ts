import { readFileSync } from "node:fs";
import type { Client } from "pg";
import { MAJORS, type Major } from "../../src/embedded/binaries.ts";

/** Features that a major took away, for databases of older majors that still have them. */
export type Removed = "removed-in-12" | "removed-in-14";

/** SQL of everything that PostgreSQL `major` can hold: one file per major that added something. Needs a UTF8 database. */
export function zooSql(major: Major): string {
  return MAJORS.filter((added) => added <= major)
    .map((added) => file(String(added)))
    .join("-- next\n");
}

/** SQL of what newer majors cannot hold; load it on top of `zooSql`, on a server older than the name says. */
export function removedSql(removed: Removed): string {
  return file(removed);
}

/** Runs a zoo's SQL: as batches, because a value that was just added to an enum cannot be used in the same transaction. */
export async function loadSql(client: Client, sql: string): Promise<void> {
  for (const batch of sql.split("-- next\n")) await client.query(batch);
  // The owners of rules and triggers set roles and search paths on the way; the connection goes on being used.
  await client.query("reset all");
}

/** The zoo's roles belong to the server: made once, kept by all tests. */
export async function createZooRoles(client: Client): Promise<void> {
  await client.query(file("roles"));
}

function file(name: string): string {
  return readFileSync(new URL(`./${name}.sql`, import.meta.url), "utf8");
}
