import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { OLD_MAJORS, type SourceMajor, ownBuild } from "../../../src/embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { newProgress, type MigrationSummary } from "../../../src/task/events.ts";
import { type TaskMemory, shortMemory } from "../../../src/task/task-memory.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";
import { becomeStandby, promote } from "../../kit/standby.ts";

const run = promisify(execFile);
const CUT_OFF = "the run is cut off here";

async function query<Row extends object>(server: EmbeddedServer, sql: string): Promise<Row[]> {
  await using session = await openSession(parseEndpoint("source", server.uri()));
  return await session.query<Row>(sql);
}

/** Follows until it has caught up, then does something and is cut off, or is completed. */
async function follow(server: EmbeddedServer, target: TestDatabase, memory: TaskMemory, during: () => Promise<void>): Promise<MigrationSummary> {
  const asked = new AbortController();
  const caughtUp = async (): Promise<void> => {
    await during();
    asked.abort();
  };
  const options = taskOptions(parseEndpoint("source", server.uri()), target.endpoint("target"), {
    type: "full+incremental",
    concurrency: 1,
    acceptAlarms: true,
    incremental: { conflicts: "stop", untilCaughtUp: false, fence: false },
  });
  const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
  return await migrate(options, hooks, memory, { caughtUp, asked: asked.signal });
}

async function followAndCutOff(server: EmbeddedServer, target: TestDatabase, memory: TaskMemory, statements: readonly string[], ids: number[]): Promise<void> {
  const following = follow(server, target, memory, async () => {
    for (const sql of statements) await query(server, sql);
    await expect.poll(async () => await idsOf(target), { timeout: 10_000 }).toEqual(ids);
    throw new Error(CUT_OFF);
  });
  await expect(following).rejects.toThrow(CUT_OFF);
}

async function idsOf(target: TestDatabase): Promise<number[]> {
  return (await target.query<{ id: number }>("select id from t order by id")).map(({ id }) => id);
}

/** The next record is in another file, 16 MB on: as if much had been written. */
const switchWal = (major: SourceMajor): string => `create temporary table x (); select pg_catalog.${major < 10 ? "pg_switch_xlog" : "pg_switch_wal"}()`;

async function halt(server: EmbeddedServer): Promise<void> {
  process.kill(server.pid, "SIGINT");
  while (existsSync(join(server.directory, "data", "postmaster.pid"))) await sleep(20);
}

/** A standby with all that the server has on its disk is promoted, and answers in its place. */
async function takeOver(server: EmbeddedServer): Promise<void> {
  await becomeStandby(server);
  await promote(server);
  await expect.poll(async () => await query(server, "select pg_catalog.pg_is_in_recovery() as is"), { timeout: 10_000 }).toEqual([{ is: false }]);
}

const sources: readonly SourceMajor[] = [...OLD_MAJORS.filter((major) => ownBuild(major) !== undefined), ...OUTER_MAJORS];

describe.each(sources)("PostgreSQL %s", (major) => {
  it("a source that was restored from an earlier state, slot and all, is refused, also where it has written more than before since it was promoted", async () => {
    await using server = await startServer({ major, settings: { hot_standby: "on" } });
    const target = await createDatabase(OUTER_MAJORS.at(-1)!);
    const memory = shortMemory();
    await query(server, "create table public.t (id int primary key); insert into public.t values (1)");
    await followAndCutOff(server, target, memory, ["insert into public.t values (2)"], [1, 2]);
    const [data, backup] = [join(server.directory, "data"), join(server.directory, "backup")];
    await halt(server);
    await run("cp", ["-a", data, backup]);
    await server.restart();
    await followAndCutOff(server, target, memory, [switchWal(major), "insert into public.t values (3)"], [1, 2, 3]);
    await halt(server);
    await run("rm", ["-rf", data]);
    await run("mv", [backup, data]);
    await server.restart();

    await query(server, "insert into public.t values (5)");
    const [slot] = await query<{ name: string }>(server, "select slot_name as name from pg_catalog.pg_replication_slots");
    const unexpected = async (): Promise<void> => await Promise.reject(new Error("it goes on"));
    const refused = { code: "slot-lost", object: slot!.name, message: expect.stringMatching(/the source is at \S+, before \S+/), advice: expect.stringContaining("terminate") };
    await expect(follow(server, target, memory, unexpected)).rejects.toMatchObject(refused);

    await takeOver(server);
    for (const sql of [switchWal(major), switchWal(major), "insert into public.t values (6)"]) await query(server, sql);
    await expect(follow(server, target, memory, unexpected)).rejects.toMatchObject({ ...refused, message: expect.stringContaining("timeline 2") });
    expect(await idsOf(target)).toEqual([1, 2, 3]);
  });

  it("a standby that had received everything may take over", async () => {
    await using server = await startServer({ major, settings: { hot_standby: "on" } });
    const target = await createDatabase(OUTER_MAJORS.at(-1)!);
    const memory = shortMemory();
    await query(server, "create table public.t (id int primary key); insert into public.t values (1)");
    await followAndCutOff(server, target, memory, ["insert into public.t values (2)"], [1, 2]);
    await takeOver(server);
    await followAndCutOff(server, target, memory, ["insert into public.t values (3)"], [1, 2, 3]);
    await takeOver(server);
    const summary = await follow(server, target, memory, async () => void (await query(server, "insert into public.t values (4)")));
    expect(summary).toMatchObject({ state: "succeeded" });
    expect(await idsOf(target)).toEqual([1, 2, 3, 4]);
  });
});
