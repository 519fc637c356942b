import { describe, expect, it } from "vitest";
import type { Difference, Seen } from "./find-rows.ts";
import { isLasting } from "./suspect.ts";

const NONE: Seen = { rows: 0n, content: "", version: "" };
const row = (content: string, version: string): Seen => ({ rows: 1n, content, version });
const difference = (source: Seen, target: Seen): Difference => ({ id: "1", label: ["1"], source, target });

describe("a difference", () => {
  it("seen once may be on its way", () => {
    expect(isLasting(undefined, difference(row("a", "1"), NONE))).toBe(false);
  });

  it.each([
    ["nobody wrote either row", difference(row("a", "1"), row("b", "1")), difference(row("a", "1"), row("b", "1")), true],
    ["only the target's row was written, the same again", difference(row("a", "1"), row("b", "1")), difference(row("a", "1"), row("b", "2")), true],
    ["only the source's row was written, the same again", difference(row("a", "1"), row("b", "1")), difference(row("a", "2"), row("b", "1")), true],
    ["both rows were written: they may go back and forth", difference(row("a", "1"), row("b", "1")), difference(row("a", "2"), row("b", "2")), false],
    ["the source changed", difference(row("a", "1"), row("b", "1")), difference(row("c", "2"), row("b", "1")), false],
    ["the target changed", difference(row("a", "1"), row("b", "1")), difference(row("a", "1"), row("c", "2")), false],
    ["the target has no such row, and the source's stayed", difference(row("a", "1"), NONE), difference(row("a", "1"), NONE), true],
    ["the target has no such row, and the source's is another one: it may have come and gone", difference(row("a", "1"), NONE), difference(row("a", "2"), NONE), false],
    ["the source has no such row, and the target's stayed", difference(NONE, row("a", "1")), difference(NONE, row("a", "1")), true],
    ["the source has no such row, and the target's is another one", difference(NONE, row("a", "1")), difference(NONE, row("a", "2")), false],
    ["one more of equal rows came", difference({ ...row("a", "1"), rows: 2n }, row("a", "1")), difference({ ...row("a", "3"), rows: 3n }, row("a", "1")), false],
  ])("seen twice: %s", (_, before, now, expected) => {
    expect(isLasting(before, now)).toBe(expected);
  });
});
