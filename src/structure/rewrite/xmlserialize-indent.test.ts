import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { xmlserializeIndent } from "./xmlserialize-indent.ts";

it("leaves NO INDENT out before 16, and names INDENT", () => {
  const view = (indent: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT XMLSERIALIZE(CONTENT x AS text${indent}) AS s FROM s.t;`);
  expect(outcomeOf(xmlserializeIndent, view(" NO INDENT"), 18, 15)).toEqual({ sql: view("").sql });
  expect(outcomeOf(xmlserializeIndent, view(" INDENT"), 18, 15)?.impossible?.since).toBe(16);
  expect(outcomeOf(xmlserializeIndent, view(" NO INDENT"), 18, 16)).toBeUndefined();
});
