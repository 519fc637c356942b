import { expect, it } from "vitest";
import { generatedColumns } from "./generated-columns.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const table = (column: string) => entryOf("TABLE", `CREATE TABLE s.x (\n    a integer DEFAULT 1,\n    ${column}\n);`);

it("names stored ones before 12, virtual ones before 18", () => {
  const stored = table("b integer GENERATED ALWAYS AS ((a + length(') STORED'))) STORED NOT NULL");
  expect(outcomeOf(generatedColumns, stored, 18, 11)?.impossible?.since).toBe(12);
  expect(outcomeOf(generatedColumns, stored, 18, 12)).toBeUndefined();
  expect(outcomeOf(generatedColumns, table("b integer GENERATED ALWAYS AS ((a + 1))"), 18, 17)?.impossible?.since).toBe(18);
});
