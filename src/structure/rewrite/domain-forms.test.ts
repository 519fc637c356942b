import { expect, it } from "vitest";
import { domainForms } from "./domain-forms.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const composite = entryOf("TYPE", "CREATE TYPE s.pair AS (\n\ta integer\n);", { name: "pair", dumpId: 8 });
const domain = entryOf("DOMAIN", "CREATE DOMAIN s.positive AS integer\n\tCONSTRAINT c CHECK ((VALUE > 0));", { name: "positive", dumpId: 9 });

it("names domains over composites and arrays over domains for 10", () => {
  expect(outcomeOf(domainForms, entryOf("DOMAIN", "CREATE DOMAIN s.d AS s.pair;", { name: "d" }), 18, 10, [composite])?.impossible?.since).toBe(11);
  expect(outcomeOf(domainForms, domain, 18, 10, [composite])).toBeUndefined();
  const table = (type: string) => entryOf("TABLE", `CREATE TABLE s.x (\n    a ${type},\n    b integer[]\n);`);
  expect(outcomeOf(domainForms, table("s.positive[]"), 18, 10, [domain])?.impossible?.since).toBe(11);
  expect(outcomeOf(domainForms, table("s.positive"), 18, 10, [domain])).toBeUndefined();
  expect(outcomeOf(domainForms, table("s.positive[]"), 18, 11, [domain])).toBeUndefined();
});
