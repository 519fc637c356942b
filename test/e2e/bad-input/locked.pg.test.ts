import { describe, expect, it } from "vitest";
import type { CheckItem } from "../../../src/precheck/check.ts";
import { runChecks } from "../../kit/checks.ts";
import { type RunningCli, runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { type TestDatabase, createDatabase, onServer } from "../../kit/databases.ts";
import { ONE_MAJOR, OUTER_MAJORS, TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";

describe.each(ONE_MAJOR)("somebody holds a lock on a table of PostgreSQL %i", (major) => {
  /** Begins a check that has to wait, until it has said for whom. */
  async function begin(): Promise<{ cli: RunningCli; source: TestDatabase; pid: number }> {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query('create table "Held Up" (a int); create table other (a int)');
    await source.query('begin; lock table "Held Up" in access exclusive mode');
    const [row] = await source.query<{ pid: number }>("select pg_backend_pid() as pid");
    const cli = spawnCli(["check", "--yes", "--source", source.uri, "--target", target.uri]);
    await cli.saw(`process ${row!.pid}`);
    return { cli, source, pid: row!.pid };
  }

  it("says who, and the work goes on when the lock is gone", async () => {
    const { cli, source, pid } = await begin();
    await source.query("commit");
    const { code, stdout } = await cli.finished;
    expect(stdout).toMatch(
      new RegExp(String.raw`warning: source \S+ waits for a lock on public\."Held Up": process ${pid} \(postgres, test, idle in transaction for \d+ s\) holds it`),
    );
    expect(stdout.match(new RegExp(`process ${pid}`, "g"))).toHaveLength(1);
    expect(code).toBe(0);
  });

  it.runIf(THOROUGH)("a comparison says who, too, on either side", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    for (const database of [source, target]) await database.query("create table held (a int)");
    for (const [side, database] of [
      ["source", source],
      ["target", target],
    ] as const) {
      await database.query("begin; lock table held in access exclusive mode");
      const [row] = await database.query<{ pid: number }>("select pg_backend_pid() as pid");
      const cli = spawnCli(["verify", "--source", source.uri, "--target", target.uri]);
      await cli.saw(`process ${row!.pid}`);
      await database.query("commit");
      const { code, stdout } = await cli.finished;
      expect(stdout).toMatch(
        new RegExp(String.raw`warning: ${side} \S+ waits for a lock on public\.held: process ${row!.pid} \(postgres, test, idle in transaction for \d+ s\) holds it`),
      );
      expect(code).toBe(0);
    }
  });

  it("Ctrl-C ends the waiting, at the source too", async () => {
    const { cli, source } = await begin();
    const since = performance.now();
    cli.process.kill("SIGINT");
    const { code, stderr } = await cli.finished;
    expect(code).toBe(130);
    expect(stderr).toContain("✗ interrupted:");
    expect(performance.now() - since).toBeLessThan(4000);
    // From another session: one transaction always sees the same pg_stat_activity.
    const waiting = async (): Promise<unknown[]> =>
      (await onServer(major, async (admin) => await admin.query("select pid from pg_stat_activity where datname = $1 and application_name like 'godwit%'", [source.name]))).rows;
    await expect.poll(waiting, { timeout: 3000 }).toEqual([]);
    await source.query("commit");
  });
});

describe.each(OUTER_MAJORS)("a check does not wait for ever behind a lock of PostgreSQL %i", (major) => {
  const PATIENCE_MS = 1000;

  /** A source on which somebody has done this, and not ended it. */
  async function locked(sql: string): Promise<{ source: TestDatabase; pid: number; check: () => Promise<CheckItem[]> }> {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table held (id int primary key); create materialized view kept as select id from held; create sequence counted");
    await source.query(`begin; ${sql}`);
    const [row] = await source.query<{ pid: number }>("select pg_backend_pid() as pid");
    return { source, pid: row!.pid, check: async () => await runChecks(source.endpoint("source"), target.endpoint("target"), { type: "structure" }, PATIENCE_MS) };
  }

  const holder = (pid: number): string => String.raw`process ${pid} \(postgres, test, idle in transaction for \d+ s\) holds it`;

  // pg_dump locks tables; for the others it is asked how large they are.
  const READ = [
    ["lock table held", "public.held"],
    ["refresh materialized view kept", "public.kept"],
  ] as const;
  it.each(THOROUGH ? READ : READ.slice(0, 1))("%s", async (sql, object) => {
    const { source, pid, check } = await locked(sql);
    const began = performance.now();
    await expect(check()).rejects.toMatchObject({
      code: "lock-unavailable",
      object,
      message: expect.stringMatching(new RegExp(`within 1 s: it waits for a lock on ${object}: ${holder(pid)}$`)) as string,
      advice: expect.stringContaining("End the transactions that the message names") as string,
    });
    expect(performance.now() - began).toBeLessThan(6000);
    await source.query("rollback");
    expect((await check()).filter(({ result }) => result === "failed")).toEqual([]);
  });

  it.runIf(THOROUGH)("of a prepared transaction, which has no process", async () => {
    const { source, check } = await locked("lock table held");
    await source.query(`prepare transaction '${source.name}'`);
    try {
      await expect(check()).rejects.toMatchObject({
        code: "lock-unavailable",
        message: expect.stringContaining("waits for a lock on public.held: a prepared transaction holds it (pg_prepared_xacts)") as string,
      });
    } finally {
      await source.query(`rollback prepared '${source.name}'`);
    }
  });

  it.runIf(THOROUGH)("one that only a single check meets is its alarm", async () => {
    const { source, pid, check } = await locked("drop sequence counted");
    expect((await check()).filter(({ result }) => result !== "passed")).toMatchObject([
      {
        id: "sequence-limits",
        result: "alarm",
        evidence: [expect.stringContaining("lock timeout"), expect.stringMatching(new RegExp(`public\\.counted is locked: ${holder(pid)}$`))],
      },
    ]);
    await source.query("rollback");
  });

  it.runIf(THOROUGH && major === TEST_MAJORS.at(-1))("of a task: it says so, tries again, and goes on when the lock is gone", async () => {
    const { source } = await locked("lock table held");
    const target = await createDatabase(major);
    const cli = spawnCli(["migrate", "--source", source.uri, "--target", target.uri]);
    await expect.poll(() => cli.output().stdout, { timeout: 60_000 }).toContain("could not be read within 30 s: it waits for a lock on public.held");
    await source.query("rollback");
    expect(await cli.finished).toMatchObject({ code: 0 });
  });

  it.runIf(THOROUGH && major === TEST_MAJORS.at(-1))("of the command: it ends, and says why", async () => {
    const { source, pid } = await locked("lock table held");
    const { code, stderr } = await runCli(["check", "--source", source.uri, "--target", (await createDatabase(major)).uri]);
    expect(stderr.replaceAll(/\s+/g, " ")).toMatch(new RegExp(`lock-unavailable: .*within 30 s: it waits for a lock on public\\.held: ${holder(pid)}`));
    expect(code).toBe(3);
    await source.query("rollback");
  });
});
