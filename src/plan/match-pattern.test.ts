import { describe, expect, it } from "vitest";
import { matcher } from "./match-pattern.ts";

describe("a pattern", () => {
  it.each([
    ["orders", "sales", "orders", true],
    ["orders", "sales", "Orders", false],
    ["Orders", "sales", "Orders", true],
    ["order?", "sales", "orders", true],
    ["order?", "sales", "order", false],
    ["sales", "sales", "orders", false],
    ["sales*", "sales", "orders", false],
    ["sales.*", "sales", "orders", true],
    ["sales.*", "sales2", "orders", false],
    ["*.orders", "any", "orders", true],
    ["*", "any", "a.b", true],
    ["*", "any", "two\nlines", true],
    ["a?b", "any", "a表b", true],
    ["a?b", "any", "a😀b", true],
    ["sales.2024.*", "sales", "2024.q1", true],
    ["sales.2024.*", "sales.2024", "q1", true],
    ["s*.q1", "sales", "2024.q1", false],
    ["a.b", "public", "a.b", false],
    ['"a.b"', "public", "a.b", true],
    ['"a.b"', "a", "b", false],
    ['"a.b".c', "a.b", "c", true],
    ['"a.b".c', "a", "b.c", false],
    ['"100%_*?"', "public", "100%_*?", true],
    ['"100%_*?"', "public", "100%_xy", false],
    ['"say ""hi"""', "public", 'say "hi"', true],
    ['say "hi', "public", 'say "hi', true],
    ['pre"*"*', "public", "pre*fix", true],
    ['pre"*"*', "public", "prefix", false],
    ["a+(b)[c]{2}^$|\\/", "public", "a+(b)[c]{2}^$|\\/", true],
    ["a+", "public", "aa", false],
  ])("%s on %s . %s: %s", (pattern, schema, name, expected) => {
    expect(matcher(pattern)(schema, name)).toBe(expected);
  });

  it("is matched as a whole against what lies in no schema", () => {
    expect(matcher("a.b")(undefined, "a.b")).toBe(true);
    expect(matcher("a.*")(undefined, "b")).toBe(false);
    expect(matcher('"*"')(undefined, "*")).toBe(true);
    expect(matcher("*.*")(undefined, "b")).toBe(false);
  });

  it("takes no longer for many stars", () => {
    const began = performance.now();
    expect(matcher(`public.${"*a".repeat(30)}*b`)("public", "a".repeat(60))).toBe(false);
    expect(matcher(`public.${"*a".repeat(30)}*`)("public", "a".repeat(60))).toBe(true);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
