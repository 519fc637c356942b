import { describe, expect, it } from "vitest";
import { type RunningCli, spawnCli } from "../../kit/spawn-cli.ts";
import { type TestDatabase, createDatabase, onServer } from "../../kit/databases.ts";
import { ONE_MAJOR, TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";

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
