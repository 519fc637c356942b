import { expect, it } from "vitest";
import { constraintForms } from "./constraint-forms.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it.each([
  ["CONSTRAINT", "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT c UNIQUE NULLS NOT DISTINCT (a);", 15],
  ["INDEX", "CREATE UNIQUE INDEX i ON s.x USING btree (a) NULLS NOT DISTINCT;", 15],
  ["FK CONSTRAINT", "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT c FOREIGN KEY (a, b) REFERENCES s.y(a, b) ON DELETE SET NULL (b);", 15],
  ["CONSTRAINT", "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT c PRIMARY KEY (id, valid WITHOUT OVERLAPS);", 18],
  ["FK CONSTRAINT", "ALTER TABLE ONLY s.x\n    ADD CONSTRAINT c FOREIGN KEY (id, PERIOD valid) REFERENCES s.y(id, PERIOD valid);", 18],
  ["CHECK CONSTRAINT", "ALTER TABLE s.x\n    ADD CONSTRAINT c CHECK ((a > 5)) NOT ENFORCED;", 18],
])("%s %s is impossible before %i", (type, sql, since) => {
  expect(outcomeOf(constraintForms, entryOf(type, sql), 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(constraintForms, entryOf(type, sql), 18, since)).toBeUndefined();
});

it("is not taken in by names and strings", () => {
  const check = `ALTER TABLE s.x\n    ADD CONSTRAINT "NULLS NOT DISTINCT" CHECK ((a <> ' NOT ENFORCED'::text));`;
  expect(outcomeOf(constraintForms, entryOf("CHECK CONSTRAINT", check), 18, 10)).toBeUndefined();
});
