import { expect, it } from "vitest";
import { extendedStatistics } from "./extended-statistics.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const statistics = (middle: string, columns = "a, b") => `CREATE STATISTICS s."Odd ü"${middle} ON ${columns} FROM s.x;`;
const outcome = (sql: string, source: number, target: number) => outcomeOf(extendedStatistics, entryOf("STATISTICS", sql), source, target);

it("writes the kinds out when an older source's default means less than the target's", () => {
  expect(outcome(statistics(""), 10, 12)?.sql).toBe(statistics(" (ndistinct, dependencies)"));
  expect(outcome(statistics(" (ndistinct)"), 11, 18)?.sql).toBe(statistics(" (ndistinct)"));
  expect(outcome(statistics(""), 12, 18)).toBeUndefined();
});

it("leaves mcv out before 12", () => {
  expect(outcome(statistics(" (ndistinct, mcv)"), 12, 11)).toEqual({ sql: statistics(" (ndistinct)"), note: "kind mcv left out" });
  expect(outcome(statistics(" (mcv)"), 12, 11)?.drop).toBe(true);
  expect(outcome(statistics(""), 12, 11)?.note).toBe("kind mcv left out");
  expect(outcome(statistics(""), 11, 10)?.note).toBeUndefined();
});

it("leaves statistics on expressions out before 14, and targets before 13", () => {
  expect(outcome(statistics("", "(a + 1), b"), 18, 13)?.drop).toBe(true);
  expect(outcome(`${statistics("")}\nALTER STATISTICS s."Odd ü" SET STATISTICS 55;\n`, 18, 12)?.sql?.trim()).toBe(statistics(""));
});
