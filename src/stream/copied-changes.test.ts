import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import type { RelationMessage } from "../wire/pgoutput.ts";
import { type Tuple, tupleValues } from "../wire/tuple.ts";
import type { RowChange } from "./batch.ts";
import { CopiedChanges, type CopiedTable } from "./copied-changes.ts";

const column = { typeOid: 23, typeModifier: -1, isKey: false };
const relation: RelationMessage = { id: 1, schema: "public", name: "t", replicaIdentity: "default", columns: [{ ...column, name: "body" }, { ...column, name: "id", isKey: true }] }; // prettier-ignore
const RANGES: CopiedTable = {
  schema: "public",
  name: "t",
  copied: {
    column: "id",
    ranges: [
      { from: null, to: "-5", lsn: "0/100" },
      { from: "-5", to: "9007199254740993", lsn: "0/300" },
      { from: "9007199254740993", to: null, lsn: "0/200" },
    ],
  },
};

/** A row of a body and a key; undefined: unchanged. */
function row(body: string | undefined, id: bigint): Tuple {
  const columns = [body, String(id)].map((value) => {
    if (value === undefined) return Buffer.from("u");
    const length = Buffer.alloc(4);
    length.writeInt32BE(value.length);
    return Buffer.concat([Buffer.from("t"), length, Buffer.from(value)]);
  });
  const bytes = Buffer.concat(columns);
  return { bytes, start: 0, end: bytes.length, columns: 2 };
}

/** Its rows as values. */
function shown(change: RowChange): Record<string, unknown> {
  const tuples = Object.entries(change).filter(([name, value]) => name.endsWith("Tuple") && value !== undefined);
  return Object.fromEntries(tuples.map(([name, value]) => [name, tupleValues(value as Tuple)]));
}

function lsnOf(id: bigint): bigint {
  if (id < -5n) return 0x100n;
  return id < 9007199254740993n ? 0x300n : 0x200n;
}

const ids = fc.oneof(fc.constantFrom(-6n, -5n, -4n, 0n, 9007199254740992n, 9007199254740993n, 9007199254740994n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const commits = fc.constantFrom(0xffn, 0x100n, 0x1ffn, 0x200n, 0x2ffn, 0x300n, 0x301n);

describe("CopiedChanges", () => {
  it("judges each half of an update by the range that its key lies in", () => {
    fc.assert(
      fc.property(ids, ids, commits, (before, after, commit) => {
        const changes = new CopiedChanges([RANGES]);
        expect(changes.begin(commit as Lsn)).toBe(commit < 0x300n);
        const update: RowChange = { kind: "update", relation: 1, oldKind: "key", oldTuple: row("", before), newTuple: row("new", after) };
        const missing = changes.missing(update, relation);
        const [lacksOld, lacksNew] = [commit >= lsnOf(before), commit >= lsnOf(after)];
        expect(missing && { ...missing, ...shown(missing) }).toEqual(
          lacksOld && lacksNew
            ? { ...update, ...shown(update) }
            : lacksOld
              ? { kind: "delete", relation: 1, oldKind: "key", oldTuple: ["", String(before)] }
              : lacksNew
                ? { kind: "insert", relation: 1, newTuple: ["new", String(after)] }
                : undefined,
        );
        const insert: RowChange = { kind: "insert", relation: 1, newTuple: row("new", after) };
        expect(changes.missing(insert, relation)).toBe(lacksNew ? insert : undefined);
        const deletion: RowChange = { kind: "delete", relation: 1, oldKind: "key", oldTuple: row("", before) };
        expect(changes.missing(deletion, relation)).toBe(lacksOld ? deletion : undefined);
        // The key is as it was: the old row does not come.
        const same: RowChange = { kind: "update", relation: 1, oldKind: undefined, oldTuple: undefined, newTuple: row(undefined, after) };
        expect(changes.missing(same, relation)).toBe(lacksNew ? same : undefined);
      }),
    );
  });

  it("refuses to insert a row of which values are missing", () => {
    const changes = new CopiedChanges([RANGES]);
    changes.begin(0x150n as Lsn);
    const moved: RowChange = { kind: "update", relation: 1, oldKind: "key", oldTuple: row("", 0n), newTuple: row(undefined, -7n) };
    expect(() => changes.missing(moved, relation)).toThrow(expect.objectContaining({ code: "row-incomplete" }) as Error);
    const back: RowChange = { kind: "update", relation: 1, oldKind: "key", oldTuple: row("", -7n), newTuple: row(undefined, 0n) };
    expect(changes.missing(back, relation)).toMatchObject({ kind: "delete" });
  });

  it("knows whole tables, other tables, and a TRUNCATE", () => {
    const changes = new CopiedChanges([{ schema: "public", name: "whole", copied: { lsn: "0/200" } }, RANGES]);
    const whole = { ...relation, name: "whole" };
    const insert: RowChange = { kind: "insert", relation: 1, newTuple: row("new", 1n) };
    changes.begin(0x1ffn as Lsn);
    expect([changes.missing(insert, whole), changes.hasTruncated(whole)]).toEqual([undefined, true]);
    expect([changes.missing(insert, { ...relation, name: "other" }), changes.hasTruncated({ ...relation, name: "other" })]).toEqual([insert, false]);
    expect(() => changes.hasTruncated(relation)).toThrow("between the moments");
    changes.begin(0x200n as Lsn);
    expect([changes.missing(insert, whole), changes.hasTruncated(whole)]).toEqual([insert, false]);
    changes.begin(0x300n as Lsn);
    expect(changes.hasTruncated(relation)).toBe(false);
  });
});
