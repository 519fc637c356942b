import { describe, expect, it } from "vitest";
import { MAJORS, type Major } from "../../../src/embedded/binaries.ts";
import { Random } from "./random.ts";
import { randomSchema } from "./random-schema.ts";
import { randomTransaction } from "./random-transaction.ts";
import { hasIdentity } from "./schema.ts";

const seeds = Array.from({ length: 60 }, (_, number) => `unit ${number}`);

function transactionsOf(seed: string, major: Major): unknown[] {
  const { tables } = randomSchema({ seed, major, forNative: false });
  const context = { random: new Random(seed), tables, major, canTruncate: major >= 11, canPrepare: true, copyFile: "/tmp/copy.txt" };
  return Array.from({ length: 20 }, () => randomTransaction(context));
}

describe.each(MAJORS)("a seed for PostgreSQL %i", (major) => {
  it("makes the same schema and the same transactions again", () => {
    for (const seed of seeds.slice(0, 10)) {
      expect(randomSchema({ seed, major, forNative: false })).toEqual(randomSchema({ seed, major, forNative: false }));
      expect(transactionsOf(seed, major)).toEqual(transactionsOf(seed, major));
    }
  });

  it("makes everything that the scenarios are about, among a few others", () => {
    const made = seeds.map((seed) => randomSchema({ seed, major, forNative: false }));
    const tables = made.flatMap((schema) => schema.tables);
    const contents = tables.flatMap(({ columns }) => columns.map(({ content }) => content));
    const sql = made.flatMap(({ statements }) => statements).join("\n");
    expect(new Set(tables.map(({ identity }) => identity))).toEqual(new Set(["default", "index", "full", "nothing"]));
    expect(tables.some((table) => !hasIdentity(table) && table.key.length > 0)).toBe(true);
    expect(tables.some(({ isKeyDeferrable }) => isKeyDeferrable)).toBe(true);
    expect(tables.some(({ unique }) => unique.some(({ isDeferrable }) => isDeferrable))).toBe(true);
    expect(tables.some(({ name, columns }) => name === "empty" && columns.length === 0)).toBe(true);
    expect(tables.some(({ isUnlogged }) => isUnlogged)).toBe(true);
    expect(new Set(tables.map(({ partitionedBy }) => partitionedBy))).toEqual(new Set([undefined, "range", "list", ...(major >= 11 ? ["hash"] : [])]));
    expect(new Set(contents.map(({ kind }) => kind))).toEqual(new Set(["plain", "key", "identity", "reference", "computed"]));
    expect(contents.some((content) => content.kind === "plain" && content.type.isToasted === true)).toBe(true);
    for (const part of ["not valid", "create trigger", "drop column leaving", "set storage external", "on delete cascade", "deferrable initially deferred"])
      expect(sql).toContain(part);
    expect(sql.includes("generated always as (")).toBe(major >= 12);
  });
});
