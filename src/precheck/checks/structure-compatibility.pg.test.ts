import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const isDowngrade = oldest < 11 && newest >= 14;

it.runIf(isDowngrade)("fails when the target cannot hold an object, and names it", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(oldest)];
  await source.query("create table doubled (a int, b int generated always as (a * 2) stored); create procedure nothing() language sql as 'select 1'");
  const [item, ...others] = await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"));
  expect(others).toEqual([]);
  expect(item?.result).toBe("failed");
  expect(item?.evidence.join("\n")).toContain("TABLE public.doubled");
  expect(item?.evidence.join("\n")).toContain("PROCEDURE public.nothing()");
});

it.runIf(isDowngrade)("alarms when a property is left out", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(oldest)];
  await source.query("create table squeezed (a text compression pglz)");
  const [item] = await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "alarm", evidence: ["TABLE public.squeezed: column compression left out"] });
});

it("passes when only the spelling changes", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query(
    "create function f() returns trigger language plpgsql as 'begin return new; end'; create table t (a int); create trigger g before insert on t for each row execute procedure f()",
  );
  expect(await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
});

it.runIf(oldest < 12 && newest >= 12)("fails for types and columns that went away with 12", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query(`create table dated (id int primary key, a abstime, t tinterval); create table numbered (id int) with oids; create view since as select a from dated`);
  const [item] = await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.map((line) => line.split(":")[0])).toEqual(["TABLE public.numbered", "COLUMN public.dated.a", "COLUMN public.dated.t", "COLUMN public.since.a"]);
  // What is not selected is in nobody's way.
  const exclude = ["dated", "numbered", "since"].map((pattern) => ({ kind: pattern === "since" ? ("view" as const) : ("table" as const), pattern }));
  expect(await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"), { exclude })).toMatchObject([{ result: "passed" }]);
  const [less] = await itemsOf("structure-compatibility", source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "table", pattern: "numbered" }] });
  expect(less?.evidence.map((line) => line.split(":")[0])).toEqual(["TABLE public.numbered"]);
});
