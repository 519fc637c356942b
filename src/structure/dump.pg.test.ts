import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { type DumpOptions, dumpStructure } from "./dump.ts";
import { parseDump } from "./parse-dump.ts";

const MAJOR = TEST_MAJORS.at(-1)!;
const OPTIONS: DumpOptions = { snapshot: undefined, publications: false, noOwner: false, noPrivileges: false, program: undefined };

async function dump(database: TestDatabase, options: Partial<DumpOptions> = {}, signal = new AbortController().signal): Promise<string> {
  return await dumpStructure(database.endpoint("source"), { ...OPTIONS, ...options }, signal);
}

describe("dumpStructure", () => {
  it("keeps every character of a body longer than any piece of the dump", async () => {
    const database = await createDatabase(MAJOR);
    const body = `\nbegin\n/*\n\\restrict is a line of this body\n*/\n  -- ${"äöü€😀".repeat(60_000)}\nreturn 1;\nend`;
    await database.query(`create function f() returns int language plpgsql as $body$${body}$body$`);
    const entry = parseDump(await dump(database)).find(({ type }) => type === "FUNCTION");
    expect(entry?.sql.includes(body)).toBe(true);
  });

  it("tells what the server refused", async () => {
    const database = await createDatabase(MAJOR);
    const [major, state] = [TEST_MAJORS.at(-1)!, TEST_MAJORS.at(-1)! > 16 ? "42704" : "22023"];
    await expect(dump(database, { snapshot: "00000000-00000000-1" })).rejects.toMatchObject({
      code: "dump-failed",
      message: `${describeEndpoint(database.endpoint("source"))}: reading the structure: ${major > 16 ? 'snapshot "00000000-00000000-1" does not exist' : 'invalid snapshot identifier: "00000000-00000000-1"'} (SQLSTATE ${state})`,
      advice: expect.not.stringContaining("WebAssembly") as unknown,
    });
  });

  it("tells what pg_dump itself does not understand, without its other lines", async () => {
    const database = await createDatabase(MAJOR);
    await database.query("create schema gone; create table gone.t (a int)");
    await database.query("delete from pg_catalog.pg_namespace where nspname = 'gone'");
    await expect(dump(database)).rejects.toMatchObject({
      code: "dump-failed",
      message: expect.stringMatching(/: reading the structure: schema with OID \d+ does not exist$/) as unknown,
      advice: expect.not.stringContaining("WebAssembly") as unknown,
    });
  });

  it("tells that the connection was lost while pg_dump waited for an answer", async () => {
    const database = await createDatabase(MAJOR);
    await database.query("create table t (a int)");
    await database.query("begin; lock table t in access exclusive mode");
    const dumping = expect(dump(database)).rejects.toMatchObject({
      code: "connection-lost",
      message: `${describeEndpoint(database.endpoint("source"))}: reading the structure: the connection broke (SQLSTATE 08006)`,
    });
    const terminate = "select pg_terminate_backend(pid) as done from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    // pg_stat_activity is read once per transaction: https://www.postgresql.org/docs/current/monitoring-stats.html
    await vi.waitFor(async () => expect(await database.query(`select pg_stat_clear_snapshot(); ${terminate}`)).toEqual([{ done: true }]), { timeout: 10_000 });
    await dumping;
    await database.query("rollback");
  });

  it("tells what became of a native program", async () => {
    const database = await createDatabase(MAJOR);
    await expect(dump(database, { program: "/nowhere/pg_dump" })).rejects.toMatchObject({
      code: "dump-failed",
      message: expect.stringContaining("/nowhere/pg_dump could not be run") as unknown,
    });
    await expect(dump(database, { program: "false" })).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining("false ended with code 1") as unknown });
    await expect(dump(database, { program: "true" })).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining("no pg_dump output") as unknown });
    await expect(dump(database, { program: "echo" })).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining("no pg_dump output") as unknown });
    await expect(dump(database, { program: "ls" })).rejects.toMatchObject({ code: "dump-failed", message: expect.stringContaining("schema-only") as unknown });
  });

  it("ends when it is interrupted", async () => {
    const database = await createDatabase(MAJOR);
    await database.query("create table t (a int)");
    await database.query("begin; lock table t in access exclusive mode");
    await using directory = await mkdtempDisposable(join(tmpdir(), "godwit-test-"));
    const slow = join(directory.path, "slow");
    await writeFile(slow, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    for (const program of [undefined, slow]) {
      await expect(dump(database, { program }, AbortSignal.timeout(300))).rejects.toThrow(/timeout/);
    }
    await database.query("rollback");
  });
});
