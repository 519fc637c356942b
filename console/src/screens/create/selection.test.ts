import { describe, expect, it } from "vitest";
import { NO_SELECTION, type ObjectNode, choiceOf, givenPatterns, patternsOf, toggle, withPattern } from "./selection.ts";

const schema: ObjectNode = { kind: "schema", schema: null, name: "Sales", pattern: '"Sales"', size: null, children: 2 };
const table: ObjectNode = { kind: "table", schema: "Sales", name: "orders", pattern: '"Sales".orders', size: 1, children: null };

describe("a selection", () => {
  it("takes an object in and out again", () => {
    const taken = toggle(NO_SELECTION, table);
    expect([choiceOf(table, taken), toggle(taken, table)]).toEqual(["included", NO_SELECTION]);
  });
  it("leaves one table of a schema out, and takes it back", () => {
    const all = toggle(NO_SELECTION, schema);
    expect(choiceOf(table, all)).toBe("throughSchema");
    const less = toggle(all, table);
    expect([choiceOf(table, less), less.exclude]).toEqual(["excluded", [{ kind: "table", pattern: '"Sales".orders' }]]);
    expect(toggle(less, table)).toEqual(all);
  });
  it("has each object on one side only", () => {
    const taken = toggle(NO_SELECTION, table);
    expect(withPattern(taken, "exclude", table)).toEqual({ include: [], exclude: [{ kind: "table", pattern: '"Sales".orders' }] });
  });
  it("shows a table of an excluded schema as excluded", () => {
    expect(choiceOf(table, withPattern(NO_SELECTION, "exclude", schema))).toBe("excluded");
  });
  it("is told to the API by kind, and read from it again", () => {
    const { include } = toggle(toggle(NO_SELECTION, schema), { ...table, schema: "x" });
    expect(givenPatterns(include)).toEqual({ schema: ['"Sales"'], table: ['"Sales".orders'] });
    expect(patternsOf(givenPatterns(include))).toEqual(include);
    expect(patternsOf({ table: "a.b" })).toEqual([{ kind: "table", pattern: "a.b" }]);
  });
});
