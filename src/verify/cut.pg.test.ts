import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../test/kit/majors.ts";
import { cutTable } from "./cut.ts";
import { statement } from "./digest.ts";
import { Lane } from "./lane.ts";
import { readShapes } from "./table-shape.ts";
import { TypeCatalog } from "./type-catalog.ts";

const table = { schema: "public", name: "big", bytes: 1_000_000 };

async function cut(sql: string, major: (typeof TEST_MAJORS)[number]): Promise<{ isByKey: boolean; source: string[]; rows: number[] }> {
  const database = await createDatabase(major);
  await database.query(sql);
  await using lane = await Lane.open(database.endpoint("source"), database.endpoint("target"), { sourceSnapshot: undefined, signal: new AbortController().signal });
  const [shape] = await readShapes(lane, lane.source, [table]);
  if (shape === undefined) throw new Error("no such table");
  const types = new TypeCatalog();
  const oids = shape.columns.map((column) => column.typeOid);
  await types.load(oids, async (sql, values) => await lane.query(lane.source, { sql, values }));
  const { pieces, isByKey } = await cutTable(lane, types, table, shape, shape, 250_000);
  const conditions = pieces.map(({ source }) => statement((bind) => source?.(bind) ?? "true"));
  const rows: number[] = [];
  for (const { sql, values } of conditions) {
    const [row] = await lane.query<{ rows: string }>(lane.source, { sql: `select count(*) as rows from public.big as t where ${sql}`, values });
    rows.push(Number(row?.rows));
  }
  return { isByKey, source: conditions.map(({ sql }) => sql), rows };
}

function fill(order: string): string {
  return `create table big (id int8 primary key, t text); insert into big select i, repeat('x', 90) from generate_series(-3000, 2999) i ${order}; analyze big;`;
}

describe.each(OUTER_MAJORS)("a table of PostgreSQL %i", (major) => {
  it("whose rows lie in its key's order is cut by percentiles, with open ends", async () => {
    const { isByKey, source, rows } = await cut(fill(""), major);
    expect(isByKey).toBe(true);
    expect(source).toEqual([`t."id" < $1::bigint`, `t."id" >= $1::bigint and t."id" < $2::bigint`, `t."id" >= $1::bigint and t."id" < $2::bigint`, `t."id" >= $1::bigint`]);
    for (const count of rows) expect(Math.abs(count - 1500)).toBeLessThan(200);
    expect(rows.reduce((sum, count) => sum + count)).toBe(6000);
  });

  it("whose rows do not is cut by pages where ranges of them can be read alone", async () => {
    const { isByKey, rows } = await cut(fill("order by md5(i::text)"), major);
    expect([isByKey, rows.length]).toEqual(major >= 14 ? [false, 4] : [true, 1]);
    expect(rows.reduce((sum, count) => sum + count)).toBe(6000);
  });

  it("that was never analyzed is not cut by key", async () => {
    const { rows } = await cut("create table big (id int8 primary key); insert into big values (1)", major);
    expect(rows).toEqual([1]);
  });
});
