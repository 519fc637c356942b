import { expect, it } from "vitest";
import { materializedCte } from "./materialized-cte.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("writes plain WITH queries before 12", () => {
  const view = entryOf("VIEW", "CREATE VIEW s.v AS\n WITH a AS MATERIALIZED (SELECT ' AS MATERIALIZED (' AS x), b AS NOT MATERIALIZED (SELECT 1) SELECT 1 FROM a, b;");
  expect(outcomeOf(materializedCte, view, 18, 11)?.sql).toBe("CREATE VIEW s.v AS\n WITH a AS (SELECT ' AS MATERIALIZED (' AS x), b AS (SELECT 1) SELECT 1 FROM a, b;");
});
