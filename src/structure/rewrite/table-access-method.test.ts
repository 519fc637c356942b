import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { tableAccessMethod } from "./table-access-method.ts";

it("names own table access methods for targets older than 12", () => {
  const method = entryOf("ACCESS METHOD", "CREATE ACCESS METHOD am TYPE TABLE HANDLER heap_tableam_handler;");
  expect(outcomeOf(tableAccessMethod, method, 18, 11)?.impossible?.since).toBe(12);
  expect(outcomeOf(tableAccessMethod, method, 18, 12)).toBeUndefined();
});

it("leaves the access method for new partitions out before 17", () => {
  const table = "CREATE TABLE s.p (\n    a integer\n)\nPARTITION BY LIST (a);\n\n\nALTER TABLE s.p SET ACCESS METHOD am;";
  expect(outcomeOf(tableAccessMethod, entryOf("TABLE", table), 18, 16)?.sql).not.toContain("ACCESS METHOD");
});
