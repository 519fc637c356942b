import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { similarEscape } from "./similar-escape.ts";

it("writes similar_escape before 13, with a null escape where none is given", () => {
  const view = (one: string, two: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT ((a ~ ${one}) AND (a ~ ${two})) AS m FROM s.t;`);
  const outcome = outcomeOf(similarEscape, view("similar_to_escape(concat('a,)', b))", "similar_to_escape('x'::text, '#'::text)"), 18, 12);
  expect(outcome?.sql).toBe(view("similar_escape(concat('a,)', b), NULL::text)", "similar_escape('x'::text, '#'::text)").sql);
});
