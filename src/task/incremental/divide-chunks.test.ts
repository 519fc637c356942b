import { expect, it } from "vitest";
import type { Chunk, CopyTable } from "../../copy/chunk.ts";
import { divideChunks } from "./divide-chunks.ts";

const table = (oid: string, into = oid): CopyTable => ({ oid, display: oid, from: oid, into, columns: "a", where: "", bytes: 1, format: "text", freeze: false });
const whole = (id: number, ...tables: CopyTable[]): Chunk => ({ id, kind: "whole", tables });
const part = (id: number, of: CopyTable, column?: string): Chunk => ({
  id,
  kind: "part",
  table: of,
  condition: "",
  bytes: 1,
  range: column === undefined ? undefined : { column, from: null, to: null },
});

const [ranged, loose, all, a, b, c] = ["ranged", "loose", "all", "a", "b", "c"].map((oid) => table(oid)) as [CopyTable, CopyTable, CopyTable, CopyTable, CopyTable, CopyTable];
const [left, right, lone] = [table("left", "root"), table("right", "root"), table("lone", "other")];
const CHUNKS = [part(1, ranged, "id"), part(2, ranged, "id"), part(3, loose), part(4, loose), part(5, all), part(6, all), whole(7, a, b), whole(8, c), whole(9, left), whole(10, right), whole(11, lone)]; // prettier-ignore

function divide(done: readonly number[], changed: readonly string[] = []): { kept: number[]; again: number[]; torn: string[] } {
  const lsns = new Map(done.map((id) => [id, "0/1"]));
  const { kept, again, torn } = divideChunks(CHUNKS, lsns, ({ oid }) => !changed.includes(oid));
  return { kept: kept.map(({ id }) => id), again: again.map(({ id }) => id), torn: torn.map(({ oid }) => oid) };
}

it("keeps parts that are cut by key, and tables that are all there", () => {
  expect(divide([1, 3, 5, 6, 7])).toEqual({ kept: [1, 5, 6, 7], again: [2, 3, 4, 8, 9, 10, 11], torn: ["loose"] });
});

it("begins again with tables that were truncated, and with those that share a chunk with them", () => {
  expect(divide([1, 7, 8], ["ranged", "b"])).toEqual({ kept: [8], again: [1, 2, 3, 4, 5, 6, 7, 9, 10, 11], torn: ["ranged", "b", "a"] });
});

it("begins again with all partitions whose rows went into one table", () => {
  expect(divide([9, 10, 11], ["right"])).toEqual({ kept: [11], again: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], torn: ["right", "left"] });
  expect(divide([1, 2, 7], ["c"]).torn).toEqual([]);
});
