import { expect, it } from "vitest";
import { GodwitError } from "../../../src/errors/godwit-error.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { shortMemory } from "../../../src/task/task-memory.ts";
import { verifyDatabases } from "../../../src/task/verify-databases.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;

it.runIf(newest >= 13)("partitions that came and went while the task was paused: it goes on where they are made on the target, and verify tells what is left of them", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  await source.query(
    "create table p (id int primary key, v text) partition by range (id); create table p1 partition of p for values from (0) to (100); insert into p values (1, 'x')",
  );
  const memory = shortMemory();
  const incremental = { conflicts: "stop", untilCaughtUp: false, fence: false } as const;
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "full+incremental", acceptAlarms: true, incremental });
  /** Follows until it has caught up; what ends it then. */
  const run = async (then: "pause" | "complete"): Promise<unknown> => {
    const [paused, asked] = [new AbortController(), new AbortController()];
    const caughtUp = async (): Promise<void> => (then === "pause" ? paused : asked).abort();
    return await migrate(options, { report: () => undefined, progress: newProgress(), signal: paused.signal }, memory, { caughtUp, asked: asked.signal }).catch(
      (error: unknown) => error,
    );
  };
  const verify = async (): Promise<string[]> => {
    const told: string[] = [];
    const report = (event: MigrationEvent): void => void (event.event === "difference" && told.push(`${event.table}: ${event.reason}`));
    await verifyDatabases(taskOptions(source.endpoint("source"), target.endpoint("target")), { report, progress: newProgress(), signal: new AbortController().signal });
    return told;
  };
  await run("pause");
  for (const [name, from] of [
    ["p2", 100],
    ["p3", 200],
  ] as const) {
    await source.query(`create table ${name} partition of p for values from (${from}) to (${from + 100}); insert into p values (${from}, 'x')`);
    await source.query(`drop table ${name}`);
  }
  await source.query("insert into p values (2, 'later')");
  expect(await run("complete")).toMatchObject({ code: "schema-changed", object: "public.p2" } satisfies Partial<GodwitError>);

  // The first one as the guide says, the other one not.
  await target.query("create table p2 (like p including all); create table p3 partition of p for values from (200) to (300)");
  expect(await run("complete")).toMatchObject({ event: "summary", state: "succeeded" });
  expect(await target.query("select id from p order by id")).toEqual([{ id: 1 }, { id: 2 }, { id: 200 }]);
  expect(await verify()).toEqual(["public.p3: its 1 row is part of public.p on the target only"]);
  await target.query("drop table p2, p3");
  expect(await verify()).toEqual([]);
});
