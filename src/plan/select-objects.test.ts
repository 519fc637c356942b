import { expect, it } from "vitest";
import type { Catalog, Relation } from "../catalog/catalog.ts";
import type { Dependency } from "../catalog/read-dependencies.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Entry } from "../structure/entry.ts";
import type { ObjectPattern } from "./object-pattern.ts";
import { type SelectionInput, selectObjects } from "./select-objects.ts";

const TABLES = 20_000;

/** A database of many tables: one partition tree, each table with a sequence, a type, an index attached to the root's, a comment. */
function manyTables(): SelectionInput {
  const relation = (oid: number, name: string, kind: Relation["kind"], parents: string[]): Relation => ({
    oid: String(oid), schema: "public", name, owner: "o", kind, persistence: "permanent", extension: undefined, bytes: 0, indexBytes: 0, pages: 0, estimatedRows: 0,
    parents, isPartition: parents.length > 0, isPopulated: true, hasRowSecurity: false, copyColumns: "", isBinarySafe: true, hashesEnum: false,
  }); // prettier-ignore
  const relations = [relation(20_000, "root", "partitionedTable", [])];
  const entries: Entry[] = [];
  const dependencies: Dependency[] = [];
  const indexes = new Map<string, IndexFacts>();
  const types: Catalog["types"][number][] = [];
  let dumpId = 0;
  const put = (type: string, catalogOid: string, oid: number, name: string, sql: string, needs: number[] = []): number => {
    entries.push({ dumpId: ++dumpId, catalogOid, oid: String(oid), name, type, schema: "public", owner: "o", dependencies: needs, section: "pre", settings: "", sql });
    return dumpId;
  };
  put("TABLE", "1259", 20_000, "root", "");
  for (let at = 0; at < TABLES; at++) {
    const [table, sequence, type, index] = [100_000 + at, 200_000 + at, 300_000 + at, 400_000 + at];
    relations.push(relation(table, `t_${at}`, "table", at % 10 === 0 ? ["20000"] : []), relation(sequence, `t_${at}_seq`, "sequence", []));
    types.push({ oid: String(type), schema: "public", name: `type_${at}`, owner: "o" });
    indexes.set(String(index), { schema: "public", name: `i_${at}`, tableOid: String(table), bytes: 0, isPartitioned: false });
    dependencies.push(
      { object: `1259:${sequence}`, needs: `1259:${table}`, kind: "owned" },
      { object: `1259:${table}`, needs: `1247:${type}`, kind: "needs" },
      { object: `1259:${index}`, needs: `1259:${table}`, kind: "partOf" },
    );
    if (at % 10 === 0) dependencies.push({ object: `1259:${table}`, needs: "1259:20000", kind: "needs" });
    put("TYPE", "1247", type, `type_${at}`, "");
    const id = put("TABLE", "1259", table, `t_${at}`, "");
    put("SEQUENCE", "1259", sequence, `t_${at}_seq`, "");
    put("COMMENT", "0", 0, `TABLE t_${at}`, "", [id]);
    if (at % 10 === 0) put("TABLE ATTACH", "0", 0, `t_${at}`, `ALTER TABLE ONLY public.root ATTACH PARTITION public.t_${at} DEFAULT;`);
    put("INDEX", "1259", index, `i_${at}`, "");
    if (at % 10 === 0) put("INDEX ATTACH", "0", 0, `i_${at}`, `ALTER INDEX public.i ATTACH PARTITION public."i_${at}";`);
  }
  const database = { name: "d", versionNum: 180000, encoding: "UTF8", collate: "C", ctype: "C", bytes: 0, isSuperuser: true, isInRecovery: false };
  const catalog = {
    database,
    schemas: [{ oid: "2200", name: "public", owner: "o", extension: undefined }],
    relations,
    types,
    routines: [],
    extensions: [],
    largeObjects: { count: 0 },
  };
  return { catalog, entries, dependencies, members: [], indexes, include: [], exclude: [] };
}

it("takes no time that grows with the square of the tables", () => {
  const input = manyTables();
  const patterns = Array.from({ length: 100 }, (_, at): ObjectPattern => ({ kind: "table", pattern: at % 2 === 0 ? `public.t_*${at}` : `t_${at}*` }));
  const since = performance.now();
  const selection = selectObjects({ ...input, include: [{ kind: "table", pattern: "root" }, ...patterns], exclude: [{ kind: "table", pattern: "t_1?5" }] });
  const seconds = (performance.now() - since) / 1000;
  expect(selection.missing).toEqual([]);
  expect(selection.entries.filter(({ type }) => type === "TABLE ATTACH")).toHaveLength(TABLES / 10);
  expect(selection.entries.some(({ name }) => name === "t_195" || name === "i_195" || name === "t_195_seq")).toBe(false);
  expect(seconds).toBeLessThan(10);
});

it("selects everything, untouched, without patterns of objects", () => {
  const input = manyTables();
  const selection = selectObjects({ ...input, include: [{ kind: "database", pattern: "other" }], exclude: [{ kind: "role", pattern: "nobody" }] });
  expect(selection.entries).toBe(input.entries);
});
