import { expect, it } from "vitest";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;
const LEFT = "3 large objects are not moved: they have no names that --include could select; they move with the whole database, also with --exclude";

it("large objects that an --include leaves behind are told, with their number", async () => {
  const source = await createDatabase(newest);
  await source.query("create table picked (body oid); create table other (); insert into picked select lo_from_bytea(0, 'some') from generate_series(1, 3)");
  const cases: readonly (readonly [Partial<MigrationOptions>, moved: number, told: readonly string[]])[] = [
    [{ include: [{ kind: "table", pattern: "picked" }] }, 0, [LEFT]],
    [{ include: [{ kind: "table", pattern: "picked" }], type: "structure" }, 0, []],
    [{ exclude: [{ kind: "table", pattern: "other" }] }, 3, []],
    [{}, 3, []],
  ];
  for (const [options, moved, told] of cases) {
    const target = await createDatabase(newest);
    const events: MigrationEvent[] = [];
    await migrate(taskOptions(source.endpoint("source"), target.endpoint("target"), options), {
      report: (event) => void events.push(event),
      progress: newProgress(),
      signal: new AbortController().signal,
    });
    expect(await target.query("select count(*)::int as moved from pg_largeobject_metadata")).toEqual([{ moved }]);
    expect(events.flatMap((event) => (event.event === "notice" && event.level === "warning" ? [event.message] : []))).toEqual(told);
  }
});
