import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CopyTable } from "../copy/chunk.ts";
import { ctidConditions, partsOf, planChunks } from "./plan-chunks.ts";

const table = (oid: number, bytes: number): CopyTable => ({
  oid: String(oid),
  display: `t${oid}`,
  from: `t${oid}`,
  into: `t${oid}`,
  columns: "a",
  where: "",
  bytes,
  format: "text",
  freeze: false,
});

/** Whether a page falls in a condition that ctidConditions made. */
function holds(condition: string, page: number): boolean {
  return condition.split(" and ").every((part) => {
    const [, operator, bound] = /^ctid (<|>=) '\((\d+),0\)'::pg_catalog.tid$/.exec(part) ?? [];
    if (bound === undefined) throw new Error(`not a condition: ${part}`);
    return operator === "<" ? page < Number(bound) : page >= Number(bound);
  });
}

describe("ctidConditions", () => {
  it("puts every page in exactly one part, also pages behind the counted end", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 40 }), (pages, parts) => {
        const conditions = ctidConditions(pages, parts);
        for (let page = 0; page < pages + 10; page++) expect(conditions.filter((condition) => holds(condition, page)).length).toBe(conditions.length === 0 ? 0 : 1);
      }),
      { numRuns: 50 },
    );
  });
});

describe("planChunks", () => {
  it("holds every table exactly once, or all of its parts", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3e9 }), { maxLength: 300 }), (sizes) => {
        const tables = sizes.map((bytes, at) => table(at, bytes));
        const parts = partsOf(tables, 4);
        const conditions = new Map([...parts].map(([oid, count]) => [oid, ctidConditions(1_000_000, count).map((condition) => ({ condition }))]));
        const chunks = planChunks(tables, conditions);
        for (const { oid } of tables) {
          const whole = chunks.filter((chunk) => chunk.kind === "whole" && chunk.tables.some((held) => held.oid === oid)).length;
          const cut = chunks.filter((chunk) => chunk.kind === "part" && chunk.table.oid === oid).map((chunk) => (chunk.kind === "part" ? chunk.condition : ""));
          expect(conditions.has(oid) ? cut : whole).toEqual(conditions.get(oid)?.map(({ condition }) => condition) ?? 1);
        }
        expect(new Set(chunks.map((chunk) => chunk.id)).size).toBe(chunks.length);
      }),
      { numRuns: 50 },
    );
  });
});
