import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type Tuple, tupleValues } from "../wire/tuple.ts";
import { Batch, type LoggedChange, type RowChange } from "./batch.ts";
import type { NetChanges } from "./net-changes.ts";
import { rowKey } from "./row-key.ts";
import { StreamTable } from "./stream-table.ts";
import type { TargetColumn, TargetTable } from "./target-table.ts";

type Value = string | null | undefined;

/** A tuple in pgoutput's layout; undefined is a value that was not sent. */
function tuple(...values: Value[]): Tuple {
  const parts = values.map((value) => {
    if (typeof value !== "string") return Buffer.from(value === null ? "n" : "u");
    const head = Buffer.from("t0000");
    head.writeInt32BE(Buffer.byteLength(value), 1);
    return Buffer.concat([head, Buffer.from(value)]);
  });
  const bytes = Buffer.concat([Buffer.from("junk"), ...parts]);
  return { bytes, start: 4, end: bytes.length, columns: values.length };
}

function table(key: readonly number[], isReplaced: boolean): StreamTable {
  const names = ["k", "v", "l"];
  const column = (name: string): TargetColumn => ({
    name, quoted: `"${name}"`, typeOid: 25, typeModifier: -1, type: "text", arrayOid: 1009, isCast: false, delimiter: 0x2c, isEnum: false, isNotNull: false, hasDefault: false, isGenerated: false, isIdentityAlways: isReplaced && name === "v",
  }); // prettier-ignore
  const columns = key.map((at) => ({ column: at, equals: "=", collate: "" }));
  const target: TargetTable = {
    schema: "s", name: "t", display: "s.t", into: "s.t", rowsOf: "only s.t", isPartitioned: false, scansForArrays: false, columns: names.map(column), deferrable: [],
    referrers: [], partitionIndexes: [],
    indexes: [{ name: "t_pkey", schema: "s", table: "t", isUnique: true, isImmediate: true, columns }],
  }; // prettier-ignore
  const relation = {
    id: 1,
    schema: "s",
    name: "t",
    replicaIdentity: "default" as const,
    columns: names.map((name, at) => ({ name, typeOid: 25, typeModifier: -1, isKey: key.includes(at) })),
  };
  return new StreamTable(relation, target);
}

type Row = readonly [key: string, value: string | null, long: string];
type Op = {
  readonly do: "insert" | "delete" | "update";
  readonly key: number;
  readonly to: number;
  readonly value: string | null;
  readonly isLongKept: boolean;
  readonly isFull: boolean;
};

/** What a source would send for these operations, and what its table is then. Operations that it would refuse are left out. */
function play(rows: Map<string, Row>, ops: readonly Op[]): RowChange[] {
  const changes: RowChange[] = [];
  for (const [at, op] of ops.entries()) {
    const key = `k${op.key}`;
    const row = rows.get(key);
    if (op.do === "insert") {
      if (row !== undefined) continue;
      const made: Row = [key, op.value, `long${at}`];
      rows.set(key, made);
      changes.push({ kind: "insert", relation: 1, newTuple: tuple(...made) });
    } else if (row === undefined) continue;
    else if (op.do === "delete") {
      rows.delete(key);
      changes.push(
        op.isFull ? { kind: "delete", relation: 1, oldKind: "full", oldTuple: tuple(...row) } : { kind: "delete", relation: 1, oldKind: "key", oldTuple: tuple(key, null, null) },
      );
    } else {
      const to = `k${op.to}`;
      if (to !== key && rows.has(to)) continue;
      const made: Row = [to, op.value, op.isLongKept ? row[2] : `long${at}`];
      rows.delete(key);
      rows.set(to, made);
      const newTuple = tuple(to, op.value, op.isLongKept ? undefined : made[2]);
      if (op.isFull) changes.push({ kind: "update", relation: 1, oldKind: "full", oldTuple: tuple(...row), newTuple });
      else if (to === key) changes.push({ kind: "update", relation: 1, oldKind: undefined, oldTuple: undefined, newTuple });
      else changes.push({ kind: "update", relation: 1, oldKind: "key", oldTuple: tuple(key, null, null), newTuple });
    }
  }
  return changes;
}

/** A target that is as strict as the applier: what does not fit is an error. */
class Target {
  readonly rows: Map<string, Row>;

  constructor(rows: ReadonlyMap<string, Row>) {
    this.rows = new Map(rows);
  }

  delete(key: string): Row {
    const row = this.rows.get(key);
    if (row === undefined) throw new Error(`${key} is missing`);
    this.rows.delete(key);
    return row;
  }

  insert(values: readonly Value[]): void {
    if (values.includes(undefined)) throw new Error("a value is missing");
    if (this.rows.has(values[0]!)) throw new Error(`${values[0]} is there`);
    this.rows.set(values[0]!, values as unknown as Row);
  }

  update(key: string, values: readonly Value[]): void {
    const row = this.delete(key);
    this.insert(values.map((value, at) => (value === undefined ? row[at]! : value)));
  }
}

function values(batch: Batch, start: number, end: number): Value[] {
  return tupleValues({ bytes: batch.arena.bytes, start, end, columns: 3 });
}

function applyNet(batch: Batch, net: NetChanges, target: Target): void {
  const rows = Array.from({ length: net.rows }, (_, row) => ({ kind: net.kind(row), values: values(batch, net.start(row), net.end(row)) }));
  for (const row of rows) if (row.kind === "delete" || row.kind === "replace") target.delete(row.values[0]!);
  for (const row of rows) if (row.kind === "update") target.update(row.values[0]!, row.values);
  for (const row of rows) if (row.kind === "insert" || row.kind === "replace") target.insert(row.values);
}

function applyOne(batch: Batch, change: LoggedChange, target: Target): void {
  const old = change.old < 0 ? undefined : values(batch, change.old, change.oldEnd);
  const made = change.new < 0 ? undefined : values(batch, change.new, change.newEnd);
  if (change.kind === "insert") target.insert(made!);
  else if (change.kind === "delete") target.delete(old![0]!);
  else target.update((old ?? made!)[0]!, made!);
}

const OP: fc.Arbitrary<Op> = fc.record({
  do: fc.constantFrom("insert", "delete", "update", "update"),
  key: fc.nat(5),
  to: fc.nat(5),
  value: fc.option(fc.constantFrom("", "a", "b")),
  isLongKept: fc.boolean(),
  isFull: fc.boolean(),
});

it.each([false, true])("the net changes come to the same as the changes one by one (rows that are replaced: %s)", (isReplaced) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(5)), fc.array(OP, { maxLength: 30 }), fc.nat(30), (there, ops, cut) => {
      const before = new Map<string, Row>(there.map((key) => [`k${key}`, [`k${key}`, "old", `old${key}`]]));
      const source = new Map(before);
      const changes = play(source, ops);
      const streamTable = table([0], isReplaced);
      const batch = new Batch(1_000_000);
      for (const change of changes) batch.add(change, streamTable);

      const ordered = new Target(before);
      for (let number = 0; number < batch.changes; number++) applyOne(batch, batch.change(number), ordered);
      expect(ordered.rows).toEqual(source);

      const merged = new Target(before);
      for (const step of batch.steps) {
        if (typeof step === "number") applyOne(batch, batch.change(step), merged);
        else applyNet(batch, step, merged);
      }
      expect(merged.rows).toEqual(source);
      const kinds = batch.steps.flatMap((step) => (typeof step === "number" ? [] : Array.from({ length: step.rows }, (_, row) => step.kind(row))));
      expect(kinds.includes("update") && isReplaced).toBe(false);

      // Cut in two, as a batch that is full.
      const split = new Target(before);
      for (const [from, to] of [
        [0, Math.min(cut, batch.changes)],
        [Math.min(cut, batch.changes), batch.changes],
      ] as const) {
        const part = new Batch(1_000_000);
        part.addFrom(batch, from, to);
        for (const step of part.steps) {
          if (typeof step === "number") applyOne(part, part.change(step), split);
          else applyNet(part, step, split);
        }
      }
      expect(split.rows).toEqual(source);
    }),
    { numRuns: 500 },
  );
});

it("keys are equal exactly where their bytes are", () => {
  const texts = ["7", "07", "-7", "-0", "0", "", "00", "+7", "7 ", "é", "999999999", "1000000000", "-999999999", "1.0", "-", "١"];
  const keys = texts.map((text) => rowKey(tuple("x", text).bytes, 4, [1]));
  expect(new Set(keys).size).toBe(texts.length);
  expect(keys.slice(0, 3)).toEqual([7, "07", -7]);
  expect(rowKey(tuple("a", undefined).bytes, 4, [1])).toBeUndefined();
  expect(rowKey(tuple("a", null).bytes, 4, [0, 1])).toBeUndefined();
  const pairs = [["a", "bc"], ["ab", "c"], ["", "abc"], ["abc", ""]].map(([first, second]) => rowKey(tuple(first, "-", second).bytes, 4, [0, 2])); // prettier-ignore
  expect(new Set(pairs).size).toBe(4);
});
