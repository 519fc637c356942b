import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { viewOptions } from "./view-options.ts";

const view = (options: string) => entryOf("VIEW", `CREATE VIEW s.v${options} AS\n SELECT 1 AS a;`);

it("names security_invoker before 15, and leaves it out where it is off", () => {
  expect(outcomeOf(viewOptions, view(" WITH (security_barrier='true', security_invoker='on')"), 18, 14)?.impossible?.since).toBe(15);
  expect(outcomeOf(viewOptions, view(" WITH (security_invoker='false', security_barrier='true')"), 18, 14)?.sql).toBe(view(" WITH (security_barrier='true')").sql);
  expect(outcomeOf(viewOptions, view(" WITH (security_invoker='false')"), 18, 14)?.sql).toBe(view("").sql);
  expect(outcomeOf(viewOptions, view(" WITH (security_invoker='true')"), 18, 15)).toBeUndefined();
});
