import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RunningCli, jsonLines, runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { THOROUGH } from "../../kit/majors.ts";
import { newStateDirectory, processesBelow } from "../../kit/state-directory.ts";
import { commandLine } from "./command-line.ts";
import { copied, expectEqual } from "../tasks/task-site.ts";
import { slowPair } from "./slow-pair.ts";

let directory = "";
let cli: ReturnType<typeof commandLine>;
let workers: RunningCli[] = [];

beforeEach(() => {
  directory = newStateDirectory();
  cli = commandLine(directory);
});

afterEach(async () => {
  for (const worker of workers) worker.process.kill("SIGTERM");
  for (const worker of workers) await worker.finished;
  workers = [];
  // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
  await expect.poll(async () => await processesBelow(directory), { timeout: 10_000, interval: 50 }).toEqual([]);
});

async function startWorker(): Promise<RunningCli> {
  const worker = spawnCli(["worker"], cli.environment);
  workers.push(worker);
  await worker.saw("works on the tasks of");
  return worker;
}

describe("a task on the command line", () => {
  it("is created, waits for a worker, is done by one, shown, and deleted", async () => {
    const pair = await slowPair(0);
    const created = await cli.task("create", ...pair.uris, "--name", "the shop", "--tag", "team=shop", "--tag", "stage=test", "--yes");
    expect(created).toMatchObject({
      name: "the shop", state: "checking", tags: { team: "shop", stage: "test" }, allowedActions: ["pause", "terminate"], notice: expect.stringContaining("godwit worker") as unknown,
    }); // prettier-ignore
    await startWorker();
    const done = await cli.reaches(created.id, "succeeded", "failed", "checkFailed");
    expect(done).toMatchObject({ state: "succeeded", summary: { tables: 7, rows: 1150 }, allowedActions: ["delete"], error: null });
    await expectEqual(pair);
    const shown = await runCli(["task", "show", created.id.slice(0, 6)], cli.environment);
    expect(shown.stdout).toMatch(/succeeded[^]*actions\s+delete[^]*Done in .*\n\s+7 tables, 1,150 rows/);
    expect(await cli.task("delete", created.id)).toMatchObject({ event: "deleted", id: created.id });
    expect(await cli.list()).toEqual([]);
  });

  it("is listed by state and tag; drafts wait for a start", async () => {
    const pair = await slowPair(0);
    const first = await cli.task("create", ...pair.uris, "--draft", "--tag", "team=shop");
    const second = await cli.task("create", ...pair.uris, "--draft", "--tag", "team=shop", "--tag", "stage=test");
    const ids = (told: readonly { id: string }[]): string[] => told.map(({ id }) => id);
    expect(first).toMatchObject({ state: "draft", allowedActions: ["check", "start", "terminate"] });
    expect(ids(await cli.list())).toEqual([second.id, first.id]);
    expect(ids(await cli.list("--tag", "team=shop", "--tag", "stage=test"))).toEqual([second.id]);
    expect(ids(await cli.list("--state", "running", "--state", "failed"))).toEqual([]);
    expect(await cli.task("set", first.id, "--concurrency", "2", "--rate-limit", "5.5", "--tag", "stage=live", "--name", "renamed")).toMatchObject({
      name: "renamed", concurrency: 2, rateLimit: 5_500_000, tags: { team: "shop", stage: "live" },
    }); // prettier-ignore
    expect(await cli.task("set", first.id, "--rate-limit", "none")).toMatchObject({ rateLimit: null, concurrency: 2 });
    const table = await runCli(["task", "list"], cli.environment);
    expect(table.stdout).toMatch(new RegExp(`${second.id} +draft[^]*${first.id} +draft.*renamed +`));
  });

  it("is paused and resumed while it copies, and shows what it does", async () => {
    const pair = await slowPair(4);
    await startWorker();
    const { id } = await cli.task("create", ...pair.uris, "--yes", "--concurrency", "2");
    await copied(pair.target, 2);
    const running = await cli.task("show", id);
    expect(running).toMatchObject({ state: "running", progress: { step: "copy" } });
    expect(running.progress?.lanes.map(({ doing }) => doing).join()).toMatch(/public\.t\d/);
    const text = await runCli(["task", "show", id], cli.environment);
    expect(text.stdout).toMatch(/step +Data \d+ %, \d of 7 tables[^]*lanes +(?:\d small tables\s+)?public\.t\d/);
    expect(await cli.task("pause", id, "--wait")).toMatchObject({ state: "paused", allowedActions: ["resume", "terminate"] });
    const refused = await runCli(["task", "pause", id], cli.environment);
    expect(refused).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/action-refused: task \w+ is paused, where pause is not possible; allowed: resume, terminate/) as unknown,
    });
    expect(await cli.task("resume", id, "--wait")).toMatchObject({ state: "succeeded", run: 1 });
    await expectEqual(pair);
  });

  it("is terminated: no ledger is left, and what stays is said", async () => {
    const pair = await slowPair(1);
    await startWorker();
    const { id } = await cli.task("create", ...pair.uris, "--yes");
    await copied(pair.target, 1);
    const ended = await runCli(["task", "terminate", id, "--wait"], cli.environment);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain("What it has created on the target is still there");
    expect(await pair.target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  });

  it("that has written nothing is terminated at once, without a worker, and deleted with all that is kept of it", async () => {
    const { id } = await cli.task("create", "--source", "postgresql://nobody@127.0.0.1:1/x", "--target", "postgresql://nobody@127.0.0.1:1/y");
    expect(await cli.task("terminate", id)).toMatchObject({ state: "terminated", allowedActions: ["delete"] });
    await cli.task("delete", id);
    const { openStore } = await import("../../../src/engine/store.ts");
    await using store = await openStore({ dir: directory });
    const { rows } = await store.pool.query("select workflow_uuid from dbos.workflow_status");
    expect(rows).toEqual([]);
  });

  it.runIf(THOROUGH)("starts at its time, after its checks", async () => {
    const pair = await slowPair(0);
    await startWorker();
    const at = new Date(Date.now() + 6000);
    const { id } = await cli.task("create", ...pair.uris, "--yes", "--at", at.toISOString());
    expect(await cli.reaches(id, "scheduled", "succeeded", "failed")).toMatchObject({ state: "scheduled", allowedActions: ["start", "terminate"] });
    expect(await pair.target.query("select relname from pg_class where relnamespace = 'public'::regnamespace")).toEqual([]);
    await cli.reaches(id, "preparing", "running", "succeeded");
    expect(Date.now()).toBeGreaterThanOrEqual(at.getTime());
    await cli.reaches(id, "succeeded");
    await expectEqual(pair);
  });

  it("fails its check with the exit code of the answer, and is checked again", async () => {
    const pair = await slowPair(0);
    await pair.target.query("create table in_the_way (a int)");
    await startWorker();
    const failed = await runCli(["task", "create", ...pair.uris, "--yes", "--wait"], cli.environment);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/state +checkFailed[^]*precheck-failed/);
    const [{ id } = { id: "" }] = await cli.list("--state", "checkFailed");
    await pair.target.query("drop table in_the_way");
    expect(await cli.task("check", id, "--wait")).toMatchObject({ state: "checkPassed", error: null });
    expect(await cli.task("start", id, "--wait")).toMatchObject({ state: "succeeded" });
  });

  it("logs what happened, each object only when asked for, and follows", async () => {
    const pair = await slowPair(1);
    await startWorker();
    const { id } = await cli.task("create", ...pair.uris, "--yes");
    const followed = await runCli(["task", "logs", id, "--follow"], cli.environment);
    expect(followed.code).toBe(0);
    expect(followed.stdout).toMatch(/start: draft → checking[^]*copied public\.t1: 25 rows[^]*finished: running → succeeded\n$/);
    expect(followed.stdout).not.toContain("made table");
    const lines = jsonLines((await runCli(["task", "logs", id, "--debug", "--json"], cli.environment)).stdout);
    expect(lines.filter((line) => line["level"] === "debug").map((line) => line["message"])).toContain("made table public.t1");
    expect(lines.map((line) => line["line"])).toEqual(lines.map((line) => line["line"]).toSorted((a, b) => Number(a) - Number(b)));
    const after = jsonLines((await runCli(["task", "logs", id, "--after", String(lines.at(-3)!["line"]), "--debug", "--json"], cli.environment)).stdout);
    expect(after).toEqual(lines.slice(-2));
  });

  it.runIf(THOROUGH)("is given back by a worker that is told to stop, and done by the next", async () => {
    const pair = await slowPair(1);
    const first = await startWorker();
    const { id } = await cli.task("create", ...pair.uris, "--yes");
    await copied(pair.target, 1);
    first.process.kill("SIGTERM");
    expect(await first.finished).toMatchObject({ code: 0 });
    expect(await cli.task("show", id)).toMatchObject({ state: "running", notice: expect.stringContaining("No worker is running") as unknown });
    await startWorker();
    await cli.reaches(id, "succeeded");
    await expectEqual(pair);
  });
});

it("a password of the creator's password file goes with the task: workers elsewhere do not have that file", async () => {
  const pair = await slowPair(0);
  const PGPASSFILE = join(directory, "pgpass");
  const without = [pair.source, pair.target].map(({ uri }) => {
    const url = new URL(uri);
    const line = `${url.hostname}:${url.port}:*:${url.username}:${url.password}\n`;
    url.password = "";
    return { line, uri: url.toString() };
  });
  await writeFile(PGPASSFILE, without.map(({ line }) => line).join(""), { mode: 0o600 });
  const [source = "", target = ""] = without.map(({ uri }) => uri);
  const created = await runCli(["task", "create", "--source", source, "--target", target, "--yes", "--json"], { ...cli.environment, PGPASSFILE });
  expect(created).toMatchObject({ code: 0, stderr: "" });
  await startWorker();
  await cli.reaches(String(jsonLines(created.stdout)[0]!["id"]), "succeeded", "failed");
  await expectEqual(pair);
});

it("no password is anywhere: not in answers, not in the logs, not in the store, not in the process list", async () => {
  const pair = await slowPair(1);
  const worker = await startWorker();
  const creating = spawnCli(["task", "create", ...pair.uris, "--yes", "--wait", "--json"], cli.environment);
  await copied(pair.target, 1);
  const passwords = [pair.source, pair.target].map(({ uri }) => new URL(uri).password);
  const commands = await Promise.all([creating, worker].map(async ({ process }) => await readFile(`/proc/${process.pid}/cmdline`, "utf8")));
  expect(commands.map((text) => text.replaceAll("\0", ""))).toEqual(["godwit task", "godwit worker"]);
  const { stdout, stderr } = await creating.finished;
  const [told] = jsonLines(stdout);
  const { openStore } = await import("../../../src/engine/store.ts");
  await using store = await openStore({ dir: directory });
  const tables = await store.pool.query<{ name: string }>("select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('godwit', 'dbos')");
  const dump: string[] = [];
  for (const { name } of tables.rows) {
    const { rows } = await store.pool.query<{ line: string }>(`select row_to_json(t)::text as line from ${name} t`);
    dump.push(...rows.map(({ line }) => line));
  }
  expect(dump.join("\n")).toContain(String(told!["id"]));
  const logs = await runCli(["task", "logs", String(told!["id"]), "--debug", "--json"], cli.environment);
  const everything = [stdout, stderr, logs.stdout, ...dump, (await worker.saw("works"), "")].join("\n");
  for (const password of passwords) expect(everything).not.toContain(password);
});
