import { expect, it } from "vitest";
import { type KnownTables, compareStates, knownTables } from "./state-changes.ts";
import type { TableState } from "./table-states.ts";

const BEFORE: TableState = {
  oid: "1",
  schema: "public",
  name: "a",
  kind: "r",
  persistence: "p",
  file: "10",
  parent: null,
  attachedBy: null,
  wasAttached: false,
  published: "5.100.6",
  columns: [[1, "n", "23", -1, "", "100"]],
};
const TRUNCATED: Partial<TableState> = { file: "11" };
const ALTERED: Partial<TableState> = { columns: [[1, "n", "23", -1, "", "101"]] };

const PARENT: TableState = { ...BEFORE, kind: "p" };
const PARTITION: TableState = { ...BEFORE, oid: "2", name: "a1", parent: "1", published: null };

/** What is told of one look after the other. */
function told(...looks: readonly Partial<TableState>[]): readonly string[] {
  let known: KnownTables = knownTables(new Map([["1", BEFORE]]), ["1"]);
  let state = BEFORE;
  return looks.flatMap((news) => {
    state = { ...state, ...news };
    const { changes, quiet } = compareStates(known, new Map([["1", state]]), "godwit_1");
    if (quiet.length > 0) known = { ...known, tables: quiet };
    return changes.map(({ what }) => what);
  });
}

it("a new file and an altered column are told where they come between the same two looks", () => {
  expect(told({ ...TRUNCATED, ...ALTERED })).toEqual([expect.stringContaining('may have had its column "n" written anew')]);
  expect(told(TRUNCATED, ALTERED)).toEqual([]);
  expect(told(ALTERED, TRUNCATED)).toEqual([]);
});

it("a table that is published again is not told again, until it is out once more", () => {
  const known = knownTables(new Map([["1", { ...BEFORE, published: null }]]), ["1"]);
  const { changes, quiet } = compareStates(known, new Map([["1", BEFORE]]), "godwit_1");
  expect(changes).toEqual([]);
  expect(quiet).toMatchObject([{ published: BEFORE.published, isFollowed: true }]);
  expect(told({}, { published: "5.100.7" })).toEqual([expect.stringContaining("was out of the publication godwit_1")]);
});

it("what is told of partitions while their table is out of the publication is not forgotten when it is in again", () => {
  const look = (published: string | null): ReadonlyMap<string, TableState> => new Map([["1", { ...PARENT, published }], ["2", PARTITION]]); // prettier-ignore
  const known = knownTables(look("5.100.6"), ["1", "2"]);
  const out = compareStates(known, look(null), "godwit_1");
  expect(out.changes.map(({ name }) => name)).toEqual(["a", "a1"]);
  expect(out.quiet).toEqual([]);
  expect(compareStates(known, look("5.100.7"), "godwit_1").changes.map(({ name }) => name)).toEqual(["a"]);
});

it("a partition that was put in the publication later may lack rows", () => {
  const known = knownTables(new Map([["1", { ...PARENT, published: null }]]), ["1"]);
  const { changes, newPartitions } = compareStates(known, new Map([["1", { ...PARENT, published: null }], ["2", { ...PARTITION, published: "5.100.6" }]]), "godwit_1"); // prettier-ignore
  expect(changes.map(({ what }) => what)).toEqual([expect.stringContaining("is a new partition of public.a, which is not in the publication")]);
  expect(newPartitions).toEqual([]);
});
