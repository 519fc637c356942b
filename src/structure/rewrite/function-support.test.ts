import { expect, it } from "vitest";
import { functionSupport } from "./function-support.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("leaves SUPPORT out before 12, in the header only", () => {
  const text = (support: string) => `CREATE FUNCTION s.f(integer DEFAULT 1) RETURNS text\n    LANGUAGE sql IMMUTABLE${support} COST 5\n    AS $$select ' SUPPORT me '$$;`;
  expect(outcomeOf(functionSupport, entryOf("FUNCTION", text(' SUPPORT s."odd f"')), 18, 11)).toEqual({ sql: text(""), note: "planner support function left out" });
  expect(outcomeOf(functionSupport, entryOf("FUNCTION", text("")), 18, 11)).toBeUndefined();
});
