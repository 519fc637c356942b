import { expect, it } from "vitest";
import { procedures } from "./procedures.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("names procedures for 10, and OUT arguments before 14", () => {
  const procedure = (mode: string) => entryOf("PROCEDURE", `CREATE PROCEDURE s.p(IN a integer, ${mode} b text)\n    LANGUAGE plpgsql\n    AS $$begin end$$;`);
  expect(outcomeOf(procedures, procedure("INOUT"), 18, 10)?.impossible?.since).toBe(11);
  expect(outcomeOf(procedures, procedure("INOUT"), 18, 11)).toBeUndefined();
  expect(outcomeOf(procedures, procedure("OUT"), 18, 13)?.impossible?.since).toBe(14);
  expect(outcomeOf(procedures, procedure("OUT"), 18, 14)).toBeUndefined();
});
