import { expect, it } from "vitest";
import { includeColumns } from "./include-columns.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("leaves INCLUDE out before 11, with a note", () => {
  const key = entryOf("CONSTRAINT", `ALTER TABLE ONLY s.x\n    ADD CONSTRAINT k UNIQUE (a) INCLUDE (b, "c ) d");`);
  expect(outcomeOf(includeColumns, key, 18, 10)).toEqual({ sql: "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT k UNIQUE (a);", note: "INCLUDE columns left out" });
  expect(outcomeOf(includeColumns, key, 18, 11)).toBeUndefined();
});
