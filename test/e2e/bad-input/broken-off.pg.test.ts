import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { GodwitError } from "../../../src/errors/godwit-error.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { createAccount, taskOptions } from "../../kit/checks.ts";
import { runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { type TestDatabase, createDatabase, onServer } from "../../kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { quoteIdentifier } from "../../../src/wire/quote.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

async function pair(): Promise<{ source: TestDatabase; target: TestDatabase }> {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table plants as select i as id from generate_series(1, 1000) i; create table pots (a int)");
  return { source, target };
}

/** Runs a migration, lets something happen at the first event of a step, and returns how it ended. */
async function brokenOff(
  { source, target }: { source: TestDatabase; target: TestDatabase },
  step: string,
  happens: (controller: AbortController) => Promise<unknown> | void,
  changes: Partial<MigrationOptions> = {},
): Promise<GodwitError> {
  const controller = new AbortController();
  let happening: Promise<unknown> | undefined;
  const report = (event: MigrationEvent): void => {
    if (event.event === "step" && event.step === step && event.state === "started") happening ??= Promise.resolve(happens(controller));
  };
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true, ...changes });
  try {
    await migrate(options, { report, progress: newProgress(), signal: controller.signal });
  } catch (error) {
    await happening;
    if (error instanceof GodwitError) return error;
    throw error;
  }
  throw new Error("it went through");
}

const interrupt = (controller: AbortController): void => controller.abort(new GodwitError("interrupted", "the work was interrupted before its end"));

async function tables(database: TestDatabase): Promise<unknown[]> {
  return await database.query("select relname from pg_class where relnamespace = 'public'::regnamespace order by 1");
}

const endSessions = async (database: TestDatabase): Promise<unknown> =>
  await database.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");

describe("a migration that breaks off says what the target holds, and the way on", () => {
  it("interrupted in the roles step: nothing is there", async () => {
    const databases = await pair();
    const error = await brokenOff(databases, "roles", interrupt);
    expect(error).toMatchObject({ code: "interrupted", advice: "Run the same command again. Nothing was left on the target." });
    expect(await tables(databases.target)).toEqual([]);
  });

  it("interrupted in the structure step: what is said to be there is there", async () => {
    const databases = await pair();
    const error = await brokenOff(databases, "structure", interrupt);
    expect(error.code).toBe("interrupted");
    expect(error.advice.includes("Nothing was left on the target.")).toBe(
      (await tables(databases.target)).length === 0 && (await databases.target.query("select from pg_namespace where nspname = 'godwit'")).length === 0,
    );
  });

  it("roles that were created are named", async () => {
    const databases = await pair();
    const role = `left_${process.pid}`;
    await createAccount(oldest, role);
    try {
      const error = await brokenOff(databases, "copy", interrupt, { include: [{ kind: "role", pattern: role }] });
      expect(error.advice).toContain(`Roles that were created stay, and the next try leaves them as they are: ${role}.`);
    } finally {
      for (const major of [oldest, newest]) await onServer(major, async (admin) => await admin.query(`drop role if exists ${quoteIdentifier(role)}`));
    }
  });

  it("interrupted while both sides are compared: everything is there, and only `godwit verify` is to be run", async () => {
    const databases = await pair();
    const error = await brokenOff(databases, "verify", interrupt);
    expect(error.code).toBe("interrupted");
    expect(error.advice).toMatch(/^target \S+ holds everything that was to move\. Only the comparison is missing: run `godwit verify` with the same source and target\.$/);
    expect(await databases.target.query("select count(*)::int as n from plants")).toEqual([{ n: 1000 }]);
  });

  it("a connection that breaks while both sides are compared: the same", async () => {
    const databases = await pair();
    const error = await brokenOff(databases, "verify", async () => await endSessions(databases.source));
    expect(error.advice).toMatch(/holds everything that was to move\. Only the comparison is missing: run `godwit verify`/);
    expect(error.advice).not.toContain("drop");
  });

  it("a connection that breaks unnoticed while rows travel, and is missed when the database's settings are compared", async () => {
    const databases = await pair();
    // The session that prepared everything is the first that was opened.
    const first = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%' order by backend_start limit 1";
    const error = await brokenOff(databases, "finish", async () => await databases.source.query(first), { verify: false });
    expect(error.code).toBe("connection-lost");
    expect(error.advice).toMatch(/holds everything that was to move\. .* the migration need not run again\.$/);
    expect(await databases.target.query("select count(*)::int as n from plants")).toEqual([{ n: 1000 }]);
  });

  it("a snapshot that was lost before the first write is noticed before it", async () => {
    const databases = await pair();
    const holder = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'godwit' and state = 'idle in transaction'";
    const error = await brokenOff(databases, "precheck", async () => await databases.source.query(holder));
    expect(error).toMatchObject({ code: "connection-lost", retry: "automatic" });
    expect(error.message).toContain("the connection that holds the snapshot broke");
    expect(error.advice).toContain("Nothing was left on the target.");
    expect(await tables(databases.target)).toEqual([]);
  });

  it("a snapshot that was lost while pg_dump began is what broke, not pg_dump", async () => {
    const databases = await pair();
    const directory = await mkdtemp(join(tmpdir(), "godwit-dump-"));
    const pgDump = join(directory, "pg_dump");
    // What pg_dump says then, once the snapshot is gone.
    const says = `pg_dump: error: query failed: ERROR:  invalid snapshot identifier: "1-1"`;
    await writeFile(pgDump, `#!/bin/sh\ncd ${directory}\n: >begun\nwhile [ ! -e lost ]; do sleep 0.05; done\necho '${says}' >&2\nexit 1\n`, { mode: 0o755 });
    const lose = async (): Promise<void> => {
      await expect.poll(() => existsSync(join(directory, "begun")), { timeout: 20_000, interval: 20 }).toBe(true);
      const holder = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'godwit' and state = 'idle in transaction'";
      // It reads the catalog meanwhile.
      await expect.poll(async () => await databases.source.query(holder), { timeout: 20_000, interval: 50 }).toHaveLength(1);
      await writeFile(join(directory, "lost"), "");
    };
    const error = await brokenOff(databases, "plan", lose, { pgDump });
    await rm(directory, { recursive: true });
    expect(error).toMatchObject({ code: "connection-lost", retry: "automatic" });
    expect(error.message).toContain("the connection that holds the snapshot broke");
  });

  it.runIf(THOROUGH)("on the command line it is paused while both sides are compared, and the same command compares again", async () => {
    const { source, target } = await pair();
    await source.query("insert into plants select generate_series(1, 4000000)");
    const command = ["migrate", "--yes", "--verify", "--source", source.uri, "--target", target.uri];
    const cli = spawnCli(command);
    await cli.saw("verify: started");
    cli.process.kill("SIGINT");
    const { code, stderr } = await cli.finished;
    expect(code).toBe(130);
    expect(stderr.replaceAll(/\n\s*/g, " ")).toContain("Run the same command again to go on with task");
    const again = await runCli(command);
    expect(again).toMatchObject({ code: 0, stderr: "" });
    expect(again.stdout).toContain("compared row by row: 2 tables and materialized views, all equal on both sides");
  });
});
