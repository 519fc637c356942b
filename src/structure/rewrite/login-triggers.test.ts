import { expect, it } from "vitest";
import { loginTriggers } from "./login-triggers.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("names event triggers on login before 17", () => {
  const trigger = (event: string) => entryOf("EVENT TRIGGER", `CREATE EVENT TRIGGER "t ON login" ON ${event}\n   EXECUTE FUNCTION s.f();`);
  expect(outcomeOf(loginTriggers, trigger("login"), 18, 16)?.impossible?.since).toBe(17);
  expect(outcomeOf(loginTriggers, trigger("sql_drop"), 18, 16)).toBeUndefined();
  expect(outcomeOf(loginTriggers, trigger("login"), 18, 17)).toBeUndefined();
});
