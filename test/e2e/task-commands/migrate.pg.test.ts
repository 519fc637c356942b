import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CliResult, jsonLines, runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { createAccount } from "../../kit/checks.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { newStateDirectory, processesBelow } from "../../kit/state-directory.ts";
import { commandLine } from "./command-line.ts";
import { copied, expectEqual } from "../tasks/task-site.ts";
import { type Pair, slowPair } from "./slow-pair.ts";

let directory = "";
let cli: ReturnType<typeof commandLine>;

beforeEach(() => {
  directory = newStateDirectory();
  cli = commandLine(directory);
});

async function migrate({ uris }: Pair, ...more: string[]): Promise<CliResult> {
  return await runCli(["migrate", "--yes", ...uris, ...more], cli.environment);
}

/** Begins a migration and sends it a signal in the middle of the copy. */
async function brokenOff(pair: Pair, signal: NodeJS.Signals, ...more: string[]): Promise<CliResult> {
  const running = spawnCli(["migrate", "--yes", ...pair.uris, ...more], cli.environment);
  await copied(pair.target, 1);
  running.process.kill(signal);
  return await running.finished;
}

const flat = (text: string): string => text.replaceAll(/\n\s*/g, " ");

describe("a migration that broke off goes on with the same command", () => {
  afterEach(async () => {
    // oxlint-disable-next-line vitest/no-standalone-expect -- it belongs to every test
    await expect.poll(async () => await processesBelow(directory), { timeout: 10_000, interval: 50 }).toEqual([]);
  });

  it("after Ctrl-C: paused, told how to go on, gone on with, equal in the end", async () => {
    const pair = await slowPair(3);
    const since = performance.now();
    const first = await brokenOff(pair, "SIGINT");
    expect(first.code).toBe(130);
    const [task] = await cli.list();
    expect(task).toMatchObject({ state: "paused", run: 1 });
    expect(flat(first.stderr)).toContain(
      `interrupted: the migration is paused → Run the same command again to go on with task ${task!.id}, or give it up: \`godwit task terminate ${task!.id}\`.`,
    );
    expect(performance.now() - since).toBeLessThan(20_000);
    const second = await migrate(pair, "--verify");
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toContain(`Goes on with task ${task!.id} (paused).`);
    expect(second.stdout).toContain("compared row by row: 7 tables");
    await expectEqual(pair);
    expect(await cli.list()).toMatchObject([{ id: task!.id, state: "succeeded" }]);
  });

  it("after kill -9", async () => {
    const pair = await slowPair(1);
    expect(await brokenOff(pair, "SIGKILL")).toMatchObject({ code: null });
    const since = performance.now();
    const second = spawnCli(["migrate", "--yes", ...pair.uris], cli.environment);
    await second.saw("connect: started");
    console.log(`kill -9 of migrate, to the first progress of the next: ${((performance.now() - since) / 1000).toFixed(2)} s`);
    const { code, stdout, stderr } = await second.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/Goes on with task \w+ \(running\)\./);
    await expectEqual(pair);
    expect(await cli.list()).toMatchObject([{ state: "succeeded", run: 1 }]);
  });

  it.runIf(THOROUGH)("after a second Ctrl-C, which ends it at once", async () => {
    const pair = await slowPair(1);
    const running = spawnCli(["migrate", "--yes", ...pair.uris], cli.environment);
    await copied(pair.target, 1);
    running.process.kill("SIGINT");
    await running.saw("stopping cleanly");
    running.process.kill("SIGINT");
    const { code, stderr } = await running.finished;
    expect(code).toBe(130);
    expect(flat(stderr)).toMatch(/the work was ended at once → The next worker goes on with its task: run the same command again/);
    expect(await migrate(pair)).toMatchObject({ code: 0, stderr: "" });
    await expectEqual(pair);
  });

  it("after an error that does not pass: mended, it goes on from there", async () => {
    const pair = await slowPair(0);
    await pair.source.query(`create function at_home(int) returns bool language sql as $$select pg_catalog.current_database() = '${pair.source.name}'$$;
      create domain homely as int check (public.at_home(value)); create table refused (a homely); insert into refused values (4711)`);
    const first = await migrate(pair);
    expect(first.code).toBe(3);
    expect(flat(first.stderr)).toMatch(/copy-failed: .*holds part of the migration \(.*\): the next try goes on from there\. Run the same command again to go on with task \w+/);
    expect(first.stderr).not.toContain("4711");
    await pair.target.query("create or replace function at_home(int) returns bool language sql as 'select true'");
    expect(await migrate(pair)).toMatchObject({ code: 0, stderr: "" });
    await expectEqual(pair);
  });

  it.runIf(THOROUGH)("by itself, when a connection breaks", async () => {
    const pair = await slowPair(1);
    const running = spawnCli(["migrate", "--yes", ...pair.uris], cli.environment);
    await copied(pair.target, 1);
    await pair.target.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    const { code, stdout, stderr } = await running.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/warning: connection-lost: .*; tries again at \d\d:\d\d:\d\d UTC/);
    await expectEqual(pair);
  });

  it.runIf(THOROUGH)("not by itself, when it is told not to wait", async () => {
    const pair = await slowPair(1);
    const running = spawnCli(["migrate", "--yes", ...pair.uris, "--retry-for", "0s"], cli.environment);
    await copied(pair.target, 1);
    await pair.target.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'godwit%'");
    const { code, stderr } = await running.finished;
    expect(code).toBe(3);
    expect(stderr).toContain("connection-lost");
    expect(await migrate(pair)).toMatchObject({ code: 0 });
    await expectEqual(pair);
  });
});

describe("the same command with other options", () => {
  it("is refused once something was written, with the two ways on; both work", async () => {
    const pair = await slowPair(1);
    await brokenOff(pair, "SIGINT");
    const [task] = await cli.list();
    const refused = await migrate(pair, "--exclude", "table=public.small", "--no-owner");
    expect(refused.code).toBe(2);
    expect(flat(refused.stderr)).toMatch(
      new RegExp(
        `task-differs: task ${task!.id} between these databases is paused and was begun with other options: --exclude, --no-owner differ → Give the same .*task terminate ${task!.id}`,
      ),
    );
    // Lanes, the comparison and the statistics may change.
    expect(await migrate(pair, "--concurrency", "3", "--verify", "--no-statistics")).toMatchObject({ code: 0, stderr: "" });
    await expectEqual(pair);
  });

  it.runIf(THOROUGH)("is a new migration after the old one was given up and the target emptied", async () => {
    const pair = await slowPair(1);
    await brokenOff(pair, "SIGINT");
    const [task] = await cli.list();
    const worker = spawnCli(["worker"], cli.environment);
    await worker.saw("works on");
    expect(await cli.task("terminate", task!.id, "--wait")).toMatchObject({ state: "terminated" });
    worker.process.kill("SIGTERM");
    await worker.finished;
    await pair.target.query("drop schema public cascade; create schema public");
    expect(await migrate(pair, "--type", "structure")).toMatchObject({ code: 0, stderr: "" });
    expect(await pair.target.query("select count(*)::int as n from small")).toEqual([{ n: 0 }]);
    expect(await cli.list()).toMatchObject([{ state: "succeeded" }, { state: "terminated" }]);
  });

  it("is what counts as long as nothing was written", async () => {
    const pair = await slowPair(0);
    await pair.target.query("create table small (a int)");
    expect((await migrate(pair)).code).toBe(1);
    const second = await migrate(pair, "--exclude", "table=public.small");
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect(second.stdout).toMatch(/Goes on with task \w+ \(checkFailed, nothing was written yet\)\./);
    expect(await pair.target.query("select count(*)::int as n from small")).toEqual([{ n: 0 }]);
    expect(await pair.target.query("select count(*)::int as n from t1")).toEqual([{ n: 25 }]);
  });
});

it("a password that was changed meanwhile replaces the one in the store", async () => {
  const pair = await slowPair(1);
  const major = TEST_MAJORS.at(-1)!;
  const name = `mover_${process.pid}`;
  await createAccount(major, name, "superuser login");
  try {
    const target = new URL(pair.target.uri);
    [target.username, target.password] = [name, "secret"];
    await brokenOff({ ...pair, uris: ["--source", pair.source.uri, "--target", target.toString()] }, "SIGINT");
    await pair.target.query(`alter role ${name} password 'changed-meanwhile'`);
    target.password = "changed-meanwhile";
    expect(await migrate({ ...pair, uris: ["--source", pair.source.uri, "--target", target.toString()] })).toMatchObject({ code: 0, stderr: "" });
    await expectEqual(pair);
  } finally {
    await pair.target.query(`reassign owned by ${name} to postgres; drop owned by ${name}; drop role ${name}`);
  }
});

it("every object is told as it was without a store, in JSON too, and how long the start takes", async () => {
  const pair = await slowPair(0);
  for (const which of ["first", "next"]) {
    const since = performance.now();
    const running = spawnCli(["migrate", "--yes", ...pair.uris, "--json"], cli.environment);
    await running.saw('"step":"connect"');
    console.log(`the ${which} migrate of a state directory: first progress after ${((performance.now() - since) / 1000).toFixed(2)} s`);
    const { stdout } = await running.finished;
    if (which === "next") continue;
    const events = jsonLines(stdout);
    expect(events.filter(({ event }) => event === "object").map((event) => event["name"])).toEqual(expect.arrayContaining(["public.t1", "public.patient(text)"]));
    expect(events.filter(({ event }) => event === "table")).toHaveLength(7);
    expect(events.at(-1)).toMatchObject({ event: "summary", state: "succeeded", tables: 7, rows: 1150 });
  }
});

it("twice at the same moment, both work on one task and end well", async () => {
  const pair = await slowPair(0.5);
  expect(await Promise.all([migrate(pair), migrate(pair)])).toMatchObject([
    { code: 0, stderr: "" },
    { code: 0, stderr: "" },
  ]);
  expect(await cli.list()).toMatchObject([{ state: "succeeded", run: 1 }]);
  await expectEqual(pair);
});
