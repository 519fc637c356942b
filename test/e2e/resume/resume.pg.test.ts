import { afterAll, describe, expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { type Milestone, shortMemory } from "../../../src/task/task-memory.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase, onServer } from "../../kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { createZooRoles } from "../../zoo/zoo.ts";
import { compareStructure } from "../matrix/compare-structure.ts";
import { readFacts } from "../matrix/facts.ts";
import { dropZoos, zooDatabase } from "../matrix/zoo-database.ts";

const newest = TEST_MAJORS.at(-1)!;

/** Where a run is cut off, by what it tells at that moment. */
const CUTS: readonly (readonly [where: string, isThere: (event: MigrationEvent, count: (kind: string) => number) => boolean])[] = [
  ["in the structure", (event) => event.event === "object" && event.kind === "TABLE"],
  ["before the copy", (event) => event.event === "step" && event.step === "structure" && event.state === "finished"],
  ["in the copy", (event, count) => event.event === "table" && count("table") === 10],
  ["when all is copied", (event) => event.event === "step" && event.step === "copy" && event.state === "finished"],
  ["while indexes are built", (event, count) => event.event === "object" && event.kind === "INDEX" && count("INDEX") === 2],
  ["before foreign keys", (event) => event.event === "step" && event.step === "finish" && event.state === "started"],
  ["in what follows the data", (event) => event.event === "object" && event.kind === "FK CONSTRAINT"],
  ["while views are filled", (event) => event.event === "object" && event.kind === "MATERIALIZED VIEW DATA"],
  ["before statistics", (event) => event.event === "step" && event.step === "analyze" && event.state === "started"],
  ["before the end", (event) => event.event === "step" && event.step === "analyze" && event.state === "finished"],
];

afterAll(dropZoos);

describe("a migration that was cut off goes on", () => {
  it.each(CUTS.filter((_, at) => THOROUGH || at % 3 === 0))("%s", async (_, isThere) => {
    await onServer(newest, createZooRoles);
    const [source, target] = [await zooDatabase(newest, newest), await createDatabase(newest, "template template0")];
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { publications: true, acceptAlarms: true, verify: true });
    const memory = shortMemory();
    const cut = new AbortController();
    const counts = new Map<string, number>();
    const report = (event: MigrationEvent): void => {
      const kind = event.event === "object" ? event.kind : event.event;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (isThere(event, (wanted) => counts.get(wanted) ?? 0)) cut.abort(new Error("cut off"));
    };
    await expect(migrate(options, { report, progress: newProgress(), signal: cut.signal }, memory)).rejects.toThrow(/./);
    expect(cut.signal.aborted).toBe(true);
    const events: MigrationEvent[] = [];
    const summary = await migrate(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal }, memory);
    expect(summary).toMatchObject({ state: "succeeded", verifiedTables: expect.any(Number) as number });
    expect(await compareStructure({ endpoint: source.endpoint("source"), major: newest }, { endpoint: target.endpoint("target"), major: newest })).toEqual({
      onlySource: [],
      onlyTarget: [],
    });
    expect(await readFacts(target.endpoint("target"))).toEqual(await readFacts(source.endpoint("source")));
    expect(await target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  });

  it("between its last act and the note of that", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await source.query("create table t as select 1 as a");
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { verify: true });
    const kept = shortMemory();
    // Dies when it would say that the database is done.
    const dying = {
      ...kept,
      reached: async (what: Milestone, value?: unknown) => (what.startsWith("database ") ? await Promise.reject(new Error("died")) : await kept.reached(what, value)),
    };
    const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
    await expect(migrate(options, hooks, dying)).rejects.toThrow("died");
    expect(await migrate(options, hooks, kept)).toMatchObject({ state: "succeeded", verifiedTables: 1 });
    expect(await target.query("select * from t")).toEqual([{ a: 1 }]);
  });

  it("but not one of another task, nor when the source's structure changed", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await source.query("create table t as select 1 as a");
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"));
    const memory = shortMemory();
    const cut = new AbortController();
    const report = (event: MigrationEvent): void => (event.event === "step" && event.step === "copy" ? cut.abort(new Error("cut off")) : undefined);
    await expect(migrate(options, { report, progress: newProgress(), signal: cut.signal }, memory)).rejects.toThrow(/./);
    const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
    await expect(migrate(options, hooks, shortMemory())).rejects.toMatchObject({ code: "precheck-failed" });
    await source.query("create table u (b int)");
    await expect(migrate(options, hooks, memory)).rejects.toMatchObject({ code: "structure-changed" });
    await source.query("drop table u; insert into t values (2)");
    expect(await migrate(options, hooks, memory)).toMatchObject({ state: "succeeded", rows: 2 });
  });
});
