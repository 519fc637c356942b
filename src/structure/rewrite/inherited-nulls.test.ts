import { expect, it } from "vitest";
import { inheritedNulls } from "./inherited-nulls.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("names children that take nulls on the way to 18, and only them", () => {
  const child = (more: string) => entryOf("TABLE", `CREATE TABLE s.x (\n    t text DEFAULT ' ALTER COLUMN a DROP NOT NULL;'::text\n)\nINHERITS (s.p);${more}`);
  const nullable = child(`\n\nALTER TABLE ONLY s.x ALTER COLUMN "a, b" DROP NOT NULL;`);
  expect(outcomeOf(inheritedNulls, nullable, 17, 18)?.impossible?.since).toBe(18);
  expect(outcomeOf(inheritedNulls, nullable, 10, 17)).toBeUndefined();
  expect(outcomeOf(inheritedNulls, child(""), 17, 18)).toBeUndefined();
});
