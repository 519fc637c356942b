import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Lsn, ZERO_LSN } from "./lsn.ts";
import type { PgoutputMessage, RelationColumn } from "./pgoutput.ts";
import { type KnownRelation, TestDecoder } from "./test-decoding.ts";
import { type Tuple, tupleValues } from "./tuple.ts";

const END = 0x100n as Lsn;

function plain(decoded: PgoutputMessage): Record<string, unknown> {
  const isTuple = (value: unknown): value is Tuple => typeof value === "object" && value !== null && "bytes" in value;
  return Object.fromEntries(Object.entries(decoded).map(([name, value]: [string, unknown]) => [name, isTuple(value) ? tupleValues(value) : value]));
}

function decodeAll(decoder: TestDecoder, ...texts: readonly string[]): Record<string, unknown>[] {
  return texts.flatMap((text) => decoder.decode(Buffer.from(text), END).map(plain));
}

function columns(names: readonly string[], keys: readonly string[] = []): RelationColumn[] {
  return names.map((name) => ({ name, typeOid: 0, typeModifier: -1, isKey: keys.includes(name) }));
}

const RICH = String.raw`table public."T : x": INSERT: id[integer]:-1 "a ""b"" ["["Sch]ema"."my""ty[pe"[]]:'{"it''s\\","}' c[timestamp without time zone]:null d[text]:unchanged-toast-datum e[bit]:B'101' f[boolean]:true g[boolean]:false h[text]:'' i[text]:'null' j[double precision]:NaN k[text]:''' new-tuple: x''' l[numeric]:1.50`;
const RICH_VALUES = ["-1", String.raw`{"it's\\","}`, null, undefined, "101", "t", "f", "", "null", "NaN", "' new-tuple: x'", "1.50"];
const UPDATE = "table public.a: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:2 b[text]:'x' c[text]:null";
const TEXTS = [
  "BEGIN 700",
  "COMMIT 700 (at 2026-01-31 12:34:56.789+00)",
  "message: transactional: 1 prefix: p, sz: 3 content:abc",
  RICH,
  UPDATE,
  "table public.a: UPDATE: id[integer]:2 b[text]:'y\n' c[text]:'z'",
  "table public.a: DELETE: id[integer]:2",
  "table public.a: DELETE: (no-tuple-data)",
  'table public.a, "S".b: TRUNCATE: restart_seqs cascade',
  "table public.a: TRUNCATE: (no-flags)",
];

describe("TestDecoder", () => {
  it("reads where a transaction begins and ends", () => {
    const decoder = new TestDecoder();
    expect(decodeAll(decoder, TEXTS[0]!, TEXTS[1]!, TEXTS[2]!)).toEqual([
      { kind: "begin", finalLsn: ZERO_LSN, xid: 700 },
      { kind: "commit", endLsn: END, commitTime: BigInt(Date.UTC(2026, 0, 31, 12, 34, 56, 789) - Date.UTC(2000, 0, 1)) * 1000n },
      { kind: "message" },
    ]);
    const times = ["1999-12-31 23:59:59.000001+00", "2000-01-01 05:30:00+05:30", "1999-12-31 16:00:00.5-08"];
    expect(decodeAll(decoder, ...times.map((time) => `COMMIT 1 (at ${time})`)).map((commit) => commit["commitTime"])).toEqual([-999_999n, 0n, 500_000n]);
  });

  it("reads values of every form", () => {
    const [relation, insert] = decodeAll(new TestDecoder(), RICH);
    const names = ["id", 'a "b" [', ..."cdefghijkl".split("")];
    expect(relation).toEqual({ kind: "relation", relation: { id: 1, schema: "public", name: "T : x", replicaIdentity: "default", columns: columns(names) } });
    expect(insert).toEqual({ kind: "insert", relation: 1, newTuple: RICH_VALUES });
  });

  it("numbers relations by table and columns, and lays old rows out by them", () => {
    const all = ["id", "b", "c"];
    expect(
      decodeAll(new TestDecoder(), "table public.a: DELETE: id[integer]:7", UPDATE, UPDATE, "table public.a: DELETE: id[integer]:9", "table s.a: INSERT: id[integer]:1"),
    ).toEqual([
      { kind: "relation", relation: { id: 1, schema: "public", name: "a", replicaIdentity: "default", columns: columns(["id"], ["id"]) } },
      { kind: "delete", relation: 1, oldKind: "key", oldTuple: ["7"] },
      { kind: "relation", relation: { id: 2, schema: "public", name: "a", replicaIdentity: "default", columns: columns(all) } },
      { kind: "update", relation: 2, oldKind: "key", oldTuple: ["1", null, null], newTuple: ["2", "x", null] },
      { kind: "update", relation: 2, oldKind: "key", oldTuple: ["1", null, null], newTuple: ["2", "x", null] },
      { kind: "delete", relation: 2, oldKind: "key", oldTuple: ["9", null, null] },
      { kind: "relation", relation: { id: 3, schema: "s", name: "a", replicaIdentity: "default", columns: columns(["id"]) } },
      { kind: "insert", relation: 3, newTuple: ["1"] },
    ]);
  });

  it("gives a new relation when a column comes or goes", () => {
    const texts = ["id[integer]:1 b[text]:'x'", "id[integer]:1 b[text]:'x' c[text]:'y'", "id[integer]:1 c[text]:'y'", "id[bigint]:1 c[text]:'y'"];
    const decoder = new TestDecoder();
    const seen = texts.flatMap((text) => decodeAll(decoder, `table public.a: INSERT: ${text}`));
    const relations = seen.flatMap((message) => (message["kind"] === "relation" ? [(message["relation"] as { columns: RelationColumn[] }).columns.map(({ name }) => name)] : []));
    expect(relations).toEqual([
      ["id", "b"],
      ["id", "b", "c"],
      ["id", "c"],
    ]);
    expect(seen.at(-1)).toEqual({ kind: "insert", relation: 3, newTuple: ["1", "y"] });
  });

  it("takes from the catalog what the text does not tell", () => {
    const asked: string[] = [];
    const known: KnownRelation = {
      replicaIdentity: "full",
      columns: ["id", "b", "c"].map((name, at) => ({ name, typeOid: 20 + at, typeModifier: 5, isKey: true })),
    };
    const decoder = new TestDecoder((schema, name) => {
      asked.push(`${schema}.${name}`);
      return known;
    });
    const texts = ["DELETE: b[text]:'x'", "DELETE: id[integer]:1", "INSERT: oid[oid]:12345 id[integer]:1 b[text]:null c[text]:'z'", "INSERT: id[integer]:1"];
    expect(decodeAll(decoder, ...texts.map((text) => `table public.a: ${text}`))).toEqual([
      { kind: "relation", relation: { id: 1, schema: "public", name: "a", ...known } },
      { kind: "delete", relation: 1, oldKind: "full", oldTuple: [null, "x", null] },
      { kind: "delete", relation: 1, oldKind: "full", oldTuple: ["1", null, null] },
      { kind: "insert", relation: 1, newTuple: ["1", null, "z"] },
      { kind: "relation", relation: { id: 2, schema: "public", name: "a", replicaIdentity: "full", columns: columns(["id"]) } },
      { kind: "insert", relation: 2, newTuple: ["1"] },
    ]);
    expect(asked).toEqual(["public.a"]);
  });

  it("reads what has no row", () => {
    expect(decodeAll(new TestDecoder(), TEXTS[7]!, TEXTS[8]!, TEXTS[9]!)).toEqual([
      { kind: "relation", relation: { id: 1, schema: "public", name: "a", replicaIdentity: "default", columns: [] } },
      { kind: "delete", relation: 1, oldKind: "key", oldTuple: [] },
      { kind: "relation", relation: { id: 2, schema: "S", name: "b", replicaIdentity: "default", columns: [] } },
      { kind: "truncate", relations: [1, 2], cascade: true, restartIdentity: true },
      { kind: "truncate", relations: [1], cascade: false, restartIdentity: false },
    ]);
  });

  it("gives back any text value", () => {
    const decoder = new TestDecoder();
    const value = fc.string({ unit: fc.constantFrom("'", "\\", '"', " ", "\n", "a", "ü", "🦜", "B", ":", "[", "]") });
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), fc.array(value, { maxLength: 5 }), (values, olds) => {
        const write = (list: readonly string[]): string => list.map((text, at) => ` c${at}[text]:'${text.replaceAll("'", "''")}'`).join("");
        const old = olds.slice(0, values.length);
        const decoded = decodeAll(decoder, `table public.a: UPDATE: old-key:${write(old)} new-tuple:${write(values)}`).at(-1);
        expect(decoded?.["newTuple"]).toEqual(values);
        expect(decoded?.["oldTuple"]).toEqual(values.map((_, at) => old[at] ?? null));
      }),
    );
  });

  it("gives back a value of megabytes, and small ones again behind it", () => {
    const decoder = new TestDecoder();
    const large = "it's ".repeat(300_000);
    for (const value of ["x", large, "y"]) {
      const text = `table public.a: UPDATE: old-key: a[text]:'${value.replaceAll("'", "''")}' new-tuple: a[text]:'${value.replaceAll("'", "''")}'`;
      const update = decodeAll(decoder, text).at(-1);
      expect(update?.["newTuple"]).toEqual([value]);
      expect(update?.["oldTuple"]).toEqual([value]);
    }
  });

  it.each([
    "",
    "BEGIN",
    "BEGIN x",
    "BEGIN 1 ",
    "COMMIT 1",
    "COMMIT 1 (at yesterday)",
    "COMMIT 1 (at 999999-01-01 00:00:00+00)",
    "PREPARE TRANSACTION 'x', txid 1",
    "table a: INSERT: b[text]:'x'",
    "table a.b: MERGE:",
    "table a.b: INSERT: (no-tuple-data)",
    "table a.b: INSERT: c[text]:",
    "table a.b: INSERT: c[text]:'x",
    "table a.b: INSERT: c[text]:'x'y",
    "table a.b: INSERT: c[text:'x'",
    'table a.b: INSERT: c["te"":',
    "table a.b: UPDATE: old-key: c[text]:'x'",
    "table a.b: UPDATE: old-key: d[text]:'x' new-tuple: c[text]:'x'",
    "table a.b: TRUNCATE: ",
  ])("refuses %j", (text) => {
    expect(() => new TestDecoder().decode(Buffer.from(text), END)).toThrow(
      expect.objectContaining({ code: "protocol", message: expect.stringMatching(/at offset \d+/) as unknown }),
    );
  });

  it("throws nothing but a coded error, whatever is cut off or spoilt", () => {
    const decode = (text: Buffer): void => {
      try {
        for (const message of new TestDecoder().decode(text, END)) plain(message);
      } catch (error) {
        if (!(error instanceof GodwitError) || error.code !== "protocol") throw error;
      }
    };
    for (const text of TEXTS.map((each) => Buffer.from(each))) for (let end = 0; end <= text.length; end++) decode(text.subarray(0, end));
    const change = fc.tuple(fc.nat(400), fc.oneof(fc.constantFrom(...Buffer.from(` '":[],.\0B`)), fc.nat(255)));
    fc.assert(
      fc.property(fc.constantFrom(...TEXTS), fc.array(change, { minLength: 1, maxLength: 5 }), (text, changes) => {
        const bytes = Buffer.from(text);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        decode(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
