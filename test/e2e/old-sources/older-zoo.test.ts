import { expect, it } from "vitest";
import { OLD_MAJORS } from "../../../src/embedded/binaries.ts";
import { olderZooSql } from "./older-zoo.ts";

it.each(OLD_MAJORS)("the zoo of %f is still made from that of 10", (major) => {
  const sql = olderZooSql(major);
  expect(sql).not.toMatch(/generated always|partition (?:by (?:range|list)|of)|create (?:statistics|publication)|macaddr8|provider = icu|german text/);
  expect(/create access method/.test(sql)).toBe(major >= 9.6);
  expect(/create policy/.test(sql)).toBe(major >= 9.5);
});
