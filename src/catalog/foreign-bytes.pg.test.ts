import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { dumpStructure } from "../structure/dump.ts";
import { openSession } from "../wire/session.ts";
import { readCatalog } from "./read-catalog.ts";
import { readIndexes } from "./read-indexes.ts";

const OPTIONS = { snapshot: undefined, publications: false, noOwner: false, noPrivileges: false, program: undefined };

/** A SQL_ASCII database after this statement, in which ? stands for the byte E9 (é in LATIN1, no UTF-8). */
async function sqlAscii(major: TestDatabase["major"], sql: string): Promise<TestDatabase> {
  const database = await createDatabase(major, "encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0");
  const bytes = Buffer.from(sql).toString("hex").replaceAll("3f", "e9");
  await database.query(`do $$ begin execute convert_from('\\x${bytes}', 'SQL_ASCII'); end $$`);
  return database;
}

async function readAll(database: TestDatabase, program?: string): Promise<void> {
  await using session = await openSession(database.endpoint("source"));
  await readCatalog(session);
  await readIndexes(session);
  await dumpStructure(session.endpoint, { ...OPTIONS, program }, new AbortController().signal);
}

describe.each([...new Set([TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!])])("bytes that are not UTF-8 in the catalog of a SQL_ASCII database are named (PostgreSQL %i)", (major) => {
  it.each([
    ["create table t (a text default 'd?fault')", "default of public.t.a"],
    ["create table t?t (a int)", String.raw`table public.t\351t`],
    ["create table t (c?t int)", String.raw`column public.t.c\351t`],
    ["create type mood as enum ('g?i')", "enum public.mood"],
    ["create function f() returns text language sql as 'select ''d?j?'''", "function public.f"],
    ["create view v as select 'd?j?'::text as a", "view public.v"],
    ["create table t (a text check (a <> '?')); create index \"i?\" on t (a)", "constraint t_a_check of public.t"],
    ["create table t (a int); comment on table t is '?t?'", "comment on public.t"],
  ])("%s", async (sql, place) => {
    const database = await sqlAscii(major, sql);
    await expect(readAll(database)).rejects.toMatchObject({
      code: "dump-failed",
      message: expect.stringMatching(/^source .*: names, defaults or bodies of this SQL_ASCII database hold bytes that are not UTF-8: /) as unknown,
      advice: expect.stringContaining("Rename or mend") as unknown,
    });
    await expect(readAll(database)).rejects.toThrow(place);
  });

  it("those that are UTF-8 are no obstacle", async () => {
    const database = await sqlAscii(major, "create table tété (a text default '€ 😀 ÿ ࠀ ퟿')");
    await readAll(database);
  });
});

it("also when a native program says so", async () => {
  const database = await sqlAscii(TEST_MAJORS[0]!, "create table t (a text default 'd?fault')");
  await using directory = await mkdtempDisposable(join(tmpdir(), "godwit-test-"));
  const program = join(directory.path, "pg_dump");
  await writeFile(program, `#!/bin/sh\necho 'pg_dump: error: query failed: ERROR:  invalid byte sequence' >&2\nexit 1\n`, { mode: 0o755 });
  await expect(readAll(database, program)).rejects.toThrow("default of public.t.a");
});
