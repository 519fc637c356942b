import { expect, it } from "vitest";
import type { CheckItem } from "./check.ts";
import { fixableItems } from "./fix.ts";

const item = (id: string, fixSql: string | undefined, database = "postgres"): CheckItem => ({
  id,
  scope: `database ${database}`,
  title: id,
  result: "failed",
  evidence: [],
  why: "",
  fix: "Do it.",
  docs: "",
  ...(fixSql === undefined ? {} : { fixSql, fixOn: { side: "target", database } }),
});

it("asks for a statement once, in one place", () => {
  const items = [
    item("owners-present", 'create role "a;";\ncreate role b;'),
    item("owners-present", "create role b;\ncreate role c;"),
    item("owners-present", "create role b;"),
    item("extensions", "create extension x;", "one"),
    item("extensions", "create extension x;", "two"),
    { ...item("extensions", "create extension y;"), result: "passed" as const },
  ];
  expect(fixableItems(items, ["owners-present", "extensions"]).map(({ fixSql, fixOn }) => [fixOn.database, fixSql])).toEqual([
    ["postgres", 'create role "a;";\ncreate role b;'],
    ["postgres", "create role c;"],
    ["one", "create extension x;"],
    ["two", "create extension x;"],
  ]);
  expect(() => fixableItems([item("version", undefined)], ["version"])).toThrow("no SQL that could be run as it is mends version");
});
