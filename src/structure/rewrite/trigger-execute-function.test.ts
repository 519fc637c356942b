import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { triggerExecuteFunction } from "./trigger-execute-function.ts";

it("writes EXECUTE PROCEDURE for 10, outside of quotes only", () => {
  const trigger = entryOf("TRIGGER", `CREATE TRIGGER t BEFORE INSERT ON s.x FOR EACH ROW WHEN ((new.a = 'EXECUTE FUNCTION'::text)) EXECUTE FUNCTION s.f('EXECUTE FUNCTION');`);
  expect(outcomeOf(triggerExecuteFunction, trigger, 14, 10)?.sql).toBe(
    `CREATE TRIGGER t BEFORE INSERT ON s.x FOR EACH ROW WHEN ((new.a = 'EXECUTE FUNCTION'::text)) EXECUTE PROCEDURE s.f('EXECUTE FUNCTION');`,
  );
  expect(outcomeOf(triggerExecuteFunction, trigger, 14, 11)).toBeUndefined();
});
