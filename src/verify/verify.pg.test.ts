import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS, THOROUGH } from "../../test/kit/majors.ts";
import type { Major } from "../embedded/binaries.ts";
import { relayCopy } from "../wire/copy-relay.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { openSession } from "../wire/session.ts";
import { type TablePair, type VerifyOptions, type VerifyResult, verifyTables } from "./verify.ts";

const OLDEST = TEST_MAJORS[0] as Major;
const NEWEST = TEST_MAJORS.at(-1) as Major;

interface Pair {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
}

async function createPair(sql = "", sourceMajor = OLDEST, targetMajor = NEWEST): Promise<Pair> {
  const pair = { source: await createDatabase(sourceMajor), target: await createDatabase(targetMajor) };
  await onBoth(pair, sql);
  return pair;
}

async function onBoth({ source, target }: Pair, sql: string): Promise<void> {
  await Promise.all([source.query(sql), target.query(sql)]);
}

/** Verifies all tables of the source's public schema. */
async function verify({ source, target }: Pair, options: Partial<VerifyOptions> = {}): Promise<VerifyResult> {
  const tables = await source.query<{ schema: string; name: string; bytes: string }>(
    `select n.nspname as schema, c.relname as name, pg_table_size(c.oid) as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname !~ '^(pg_|information_schema)' order by 1, 2`,
  );
  const pairs: TablePair[] = tables.map(({ schema, name, bytes }) => ({ schema, name, bytes: Number(bytes) }));
  return await verifyTables(source.endpoint("source"), target.endpoint("target"), pairs, { concurrency: 2, signal: new AbortController().signal, ...options });
}

async function makesXml(database: TestDatabase): Promise<boolean> {
  try {
    await database.query("select '<a/>'::xml");
    return true;
  } catch {
    return false;
  }
}

/** Copies a table as a migration does. */
async function copy({ source, target }: Pair, table: string): Promise<void> {
  await using from = await openSession(source.endpoint("source"));
  await using to = await openSession(target.endpoint("target"));
  const job = { sourceSql: `copy ${table} to stdout`, targetSql: `copy ${table} from stdin`, objects: [table] };
  await relayCopy(from, to, job, { bytes: 0, rows: 0 }, new AbortController().signal);
}

const ZOO_TYPES = `
  create extension hstore; create extension citext; create extension ltree;
  create type mood as enum ('sad', 'ok', 'happy', 'it''s "so, so"');
  create domain grade as float8 check (value is null or value <= 1e308 or value = 'NaN' or value = 'Infinity');
  create domain label as varchar(20);
  create type spot as (at float8, "where" point, "na me" text, mood mood);
  create type nest as (spot spot, grades float4[], g grade, spots spot[]);
  create type floats as range (subtype = float8, subtype_diff = float8mi);
  create table zoo (
    id int8 primary key, f4 float4, f8 float8, num numeric, num2 numeric(12, 4), i2 int2, i4 int4, yes bool, t text, v varchar(40), c char(8), n name, qc "char",
    b bytea, d date, ts timestamp, tz timestamptz, tm time, tmz timetz, iv interval, u uuid, j json, jb jsonb, x xml, m money, bits bit(5), vbits varbit,
    ip inet, net cidr, mac macaddr, pt point, ln line, ls lseg, bx box, pa path, pg polygon, ci circle, tv tsvector, tq tsquery, lsn pg_lsn, o oid, rc regclass, rt regtype,
    mo mood, gr grade, la label, sp spot, ne nest, fr floats, ir int4range, nr numrange, tr tstzrange, hs hstore, cit citext, lt ltree,
    f8s float8[], f4s float4[], ts2 text[][], nums numeric[], pts point[], bxs box[], sps spot[], frs floats[], moods mood[], monies money[], jbs jsonb[], bas bytea[], las label[], grs grade[], xs xml[], chars char(3)[]
  );`;

const ZOO_ROWS = `
  insert into zoo values (1, 0.1, 0.1::float8 + 0.2, '12345.678900', 1.5, -32768, -2147483648, true, 'a''b"c\\d	e', ' v ', 'ab', 'some_name', 'q',
    '\\x00ff5c27', '0044-03-15 BC', '0044-03-15 01:02:03.000001 BC', '294276-12-31 23:59:59.999999+00', '24:00:00', '12:00:00.5-15:59', '-1 mons +3 days -04:05:06.7',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": 1.0,  "a": "\\u00e9\\n", "a": 2}', '{"b": 1.0, "a": "\\u00e9\\n", "n": 1e-20}',
    '<?xml version="1.0" encoding="UTF-8"?><a b="c">é</a>', '-12345.67', B'10101', B'1', '::ffff:1.2.3.4/96', '10.0.0.0/8', '08:00:2b:01:02:03',
    '(0.1,1e-300)', '{1,-1,0.3}', '[(0.1,0.2),(3,4)]', '(0.1,0.2),(3,4)', '[(0.1,0.2),(3,4)]', '((0.1,0.2),(3,4),(5,0.6))', '<(0.1,0.2),0.3>',
    'a:1A fat:2B,4C ''it''''s'':5', '''a'' & ( ''b'' | !''c'':*A )', '16/B374D848', 4294967295, 'zoo', 'spot',
    'it''s "so, so"', 0.1, 'lab', row(0.1, '(0.1,0.2)', 'q"uo,te', 'ok')::spot,
    row(row(1e-310, '(1,2)', null, null), '{0.1,null,NaN}', 0.3, array[row(0.1, null, '', 'sad')::spot, null])::nest,
    '[0.1,0.30000000000000004)', '(1,5)', '(,1.50]', '["2001-01-01 00:00:00+02",infinity)', 'a=>1, b=>NULL, "c d"=>""', 'CiText', 'Top.Science',
    '[0:1][-1:0]={{0.1,0.2},{NULL,NaN}}', '{}', '{{a,NULL},{"","NULL"}}', '{1.0,1.00,NaN}', '{"(0.1,0.2)",NULL}', '{(1,2),(3,0.4);(5,6),(7,8)}',
    array[row(0.1, null, 'x', null)::spot, row(null, null, null, null)::spot, null], '{"[0.1,0.2]",empty,"(,)"}', '{sad,ok}', '{$1.00,-$2.50}', array['{"a": 1}'::jsonb, null], array['\\x01'::bytea, ''],
    '{abc}', '{0.1,NULL,-0}', array['<a/>'::xml], '{a,bcd}');
  insert into zoo (id, f4, f8, num, d, ts, tz, t, c, b, jb, j, gr, fr, sp, ne, hs, tv, f8s) values
    (-1, 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', '', '', '', 'null', 'null', 'NaN', 'empty', row(null, null, null, null)::spot, row(null, null, null, null)::nest, '', '', '{NaN,-0,Infinity}'),
    (-9223372036854775808, 'infinity', '-infinity', ('1' || repeat('0', 999) || '.' || repeat('7', 999))::numeric, '-infinity', '-infinity', '-infinity', 'é漢😀', 'é', null, '[]', '[]', 'Infinity', '(,)', null, null, null, null, null),
    (2, '-0', '-0', '-0.000', '5874897-12-31', '4713-01-01 BC', '4713-01-01 00:00:00+00 BC', 'NULL', 'NULL', 'NULL', '""', '""', '-0', '[-0,0]', null, null, 'NULL=>NULL', 'NULL', '{-0,4.94065645841247e-324}'),
    (3, 1.40129846e-45, 4.94065645841247e-324, 1e-400, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    (4, 3.40282347e+38, 1.79769313486231571e+308, 1e400, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null),
    (5, null, 'Infinity'::float8 - 'Infinity'::float8, null, null, null, null, null, null, null, null, null, 'Infinity'::float8 - 'Infinity'::float8, null, null, null, null, null, array['Infinity'::float8 - 'Infinity'::float8]);
  insert into zoo (id, f8, f8s, f4, f4s, pt, sps, fr)
    select i, random() * 10 ^ (i % 600 - 300), array[random(), exp(i / 100.0)], random(), array[random()::float4], point(random(), random()), array[row(random(), point(random(), 1), i, 'ok')::spot],
      floats(random(), 1 + random()) from generate_series(100, 400) i;`;

describe.each(OUTER_MAJORS)("from PostgreSQL %i", (major) => {
  it.each([NEWEST, OLDEST])("finds every type's extreme values equal after a copy to %i, and a change in each column of them", async (targetMajor) => {
    // Arrays of domains exist from 11 on.
    const hasDomainArrays = Math.min(major, targetMajor) >= 11;
    const pair = await createPair(hasDomainArrays ? ZOO_TYPES : ZOO_TYPES.replaceAll(/(label|grade)\[\]/g, "text[]"), major, targetMajor);
    // A server without libxml cannot make xml values.
    const hasXml = await Promise.all([pair.source, pair.target].map(async (database) => await makesXml(database)));
    await pair.source.query(hasXml.every(Boolean) ? ZOO_ROWS : ZOO_ROWS.replaceAll(/'<\?xml[^']*'|array\['<a\/>'::xml\]/g, "null"));
    await copy(pair, "public.zoo");
    expect(await verify(pair)).toEqual({ tables: 1, rows: 308, differences: [], unreadable: [] });

    const columns = await pair.target.query<{ name: string }>("select attname as name from pg_attribute where attrelid = 'zoo'::regclass and attnum > 1 order by attnum");
    await pair.target.query(`update zoo set ${columns.map(({ name }) => `${quoteIdentifier(name)} = null`).join(", ")} where id = 1`);
    await pair.source.query("update zoo set x = null, xs = null"); // may be null already
    await pair.target.query("update zoo set x = null, xs = null");
    const { differences } = await verify(pair);
    expect(differences).toEqual([
      {
        table: "public.zoo",
        reason: "content differs",
        sourceRows: 308,
        targetRows: 308,
        keys: [`id=1: differs in columns f4, f8, num, num2, i2, i4, yes, t, v, c and ${columns.length - 12} more`],
      },
    ]);
  });
});

describe("a difference", () => {
  const TABLE = `
    create table item (id int4 primary key, a text, b text, f float8, n numeric);
    insert into item select i, 'a' || i, '', i / 3.0::float8, i from generate_series(-50, 50) i;`;
  const DIFFERENCES: readonly (readonly [what: string, sql: string, key: string])[] = [
    ["a changed value", "update item set a = 'other' where id = 7", "id=7: differs in columns a"],
    ["NULL instead of ''", "update item set b = null where id = -7", "id=-7: differs in columns b"],
    ["a missing row", "delete from item where id = -50", "id=-50: only on the source"],
    ["an extra row", "insert into item values (51)", "id=51: only on the target"],
    ["the last bit of a float", "update item set f = 0.33333333333333337 where id = 1", "id=1: differs in columns f"],
    ["the sign of zero", "update item set f = '-0' where id = 0", "id=0: differs in columns f"],
    ["a numeric's scale", "update item set n = 3.00 where id = 3", "id=3: differs in columns n"],
    ["a moved column border", "update item set a = 'a', b = '9' where id = 9", "id=9: differs in columns a, b"],
    ["swapped columns", "update item set a = b, b = a where id = 9", "id=9: differs in columns a, b"],
  ];

  it.each(DIFFERENCES)("is found by its key: %s", async (_, sql, key) => {
    const pair = await createPair(TABLE);
    await pair.target.query(sql);
    const { differences } = await verify(pair);
    expect(differences.map(({ table, keys }) => ({ table, keys }))).toEqual([{ table: "public.item", keys: [key] }]);
  });

  it("of many rows shows the first ten keys, in order", async () => {
    const pair = await createPair(TABLE);
    await pair.target.query("update item set a = 'x' where id > -12; delete from item where id = -3");
    const { differences } = await verify(pair);
    expect(differences).toMatchObject([{ reason: "row counts differ", sourceRows: 101, targetRows: 100 }]);
    const numbers = [-11, -10, -9, -8, -7, -6, -5, -4, -3, -2];
    expect(differences[0]?.keys).toEqual(numbers.map((id) => (id === -3 ? "id=-3: only on the source" : `id=${id}: differs in columns a`)));
  });

  it("without a key is told by the rows' places, and duplicates count", async () => {
    const pair = await createPair("create table log (line text); insert into log values ('a'), ('a'), ('b'), (null)");
    expect(await verify(pair)).toMatchObject({ rows: 4, differences: [] });
    await pair.target.query("insert into log values ('a'), ('a')");
    expect((await verify(pair)).differences).toMatchObject([
      { reason: "row counts differ", keys: ["ctid (0,6) on the target has no equal row on the source (and 1 more like it)"] },
    ]);
    await pair.target.query("truncate log; insert into log values ('a'), ('b'), ('b'), (null)");
    const { differences } = await verify(pair);
    expect(differences).toMatchObject([{ reason: "content differs" }]);
    expect([...(differences[0]?.keys ?? [])].sort()).toEqual([
      "ctid (0,2) on the source has no equal row on the target",
      "ctid (0,3) on the target has no equal row on the source",
    ]);
  });

  it("in a key of several columns, of any type, is named", async () => {
    const pair = await createPair(`
      create table k ("Ké y" text, at timestamptz, id int, unique (at), primary key ("Ké y", at));
      insert into k select repeat('é', 70) || i, timestamptz '2001-01-01 00:00:00+00' + i * interval '1 day', i from generate_series(0, 9) i;`);
    await pair.target.query("update k set id = -1 where id = 3");
    expect((await verify(pair)).differences[0]?.keys).toEqual([`Ké y=${"é".repeat(70)}3, at=2001-01-04 00:00:00+00: differs in columns id`]);
  });

  it("where the target lacks the unique index: a key with several rows", async () => {
    const pair = await createPair(TABLE);
    await pair.target.query("alter table item drop constraint item_pkey; insert into item select * from item where id = 5");
    expect((await verify(pair)).differences[0]?.keys).toEqual(["id=5: rows with this key: 1 on the source, 2 on the target"]);
  });
});

describe("a large table", () => {
  const ROWS = 60_000;
  const DIFFERENCES = `
    delete from big where id = -30000;
    update big set note = 'changed' where id = -1;
    insert into big (id, note) values (999999, 'extra');
    update big set id = -40000 where id = 17;`;
  const KEYS = ["id=-40000: only on the target", "id=-30000: only on the source", "id=-1: differs in columns note", "id=17: only on the source", "id=999999: only on the target"];

  it.each([
    [OLDEST, NEWEST, "by a key whose rows lie in its order", "order by i"],
    [NEWEST, NEWEST, "by pages where they do not (from 14 on)", "order by md5(i::text)"],
    [OLDEST, NEWEST, "not at all where neither is possible", "order by md5(i::text)"],
  ] as const)("PostgreSQL %i to %i: is cut %s", async (sourceMajor, targetMajor, _, order) => {
    const pair = await createPair(
      `create table big (id int8 primary key, note text); insert into big select i, md5(i::text) from generate_series(${-ROWS / 2}, ${ROWS / 2 - 1}) i ${order}; analyze big;`,
      sourceMajor,
      targetMajor,
    );
    const done: unknown[] = [];
    const options = { chunkBytes: 200_000, concurrency: 3, onTable: (table: unknown) => done.push(table) };
    expect(await verify(pair, options)).toEqual({ tables: 1, rows: ROWS, differences: [], unreadable: [] });
    expect(done).toEqual([{ table: "public.big", rows: ROWS, equal: true }]);
    await pair.target.query(DIFFERENCES);
    expect((await verify(pair, options)).differences).toEqual([{ table: "public.big", reason: "content differs", sourceRows: ROWS, targetRows: ROWS, keys: KEYS }]);
  });
});

describe("a key", () => {
  const KEYS: readonly (readonly [type: string, expression: string, extremes: string])[] = [
    ["numeric", "i * 1.5", "('NaN'), ('-1e40')"],
    ["timestamptz", "timestamptz '2001-01-01' + i * interval '1 hour'", "('infinity'), ('-infinity')"],
    ["date", "date '2001-01-01' + i", "('infinity'), ('0044-03-15 BC')"],
    ["uuid", "lpad(to_hex(i + 5000), 32, '0')::uuid", "('ffffffff-ffff-ffff-ffff-ffffffffffff')"],
    ["small", "i", "(-32768), (32767)"],
    ["text", "'ä ' || i", "('')"],
    ["float8", "i / 3.0", "('NaN'), ('-infinity')"],
  ];

  it.each(KEYS)("of type %s serves to cut a table and to name rows, its extremes too", async (type, expression, extremes) => {
    const pair = await createPair(`
      create domain small as int2;
      create table keyed (k ${type} primary key, note text);
      insert into keyed select ${expression}, repeat('x', 90) from generate_series(-3000, 3000) i; insert into keyed values ${extremes}; analyze keyed;`);
    const options = { chunkBytes: 100_000 };
    expect((await verify(pair, options)).differences).toEqual([]);
    await pair.target.query(`update keyed set note = 'y' where k in (select x::${type} from (values ${extremes}) as v(x))`);
    const { differences } = await verify(pair, options);
    expect(differences).toMatchObject([{ reason: "content differs" }]);
    const expected = await pair.source.query<{ key: string }>(`select concat('k=', x::${type}, ': differs in columns note') as key from (values ${extremes}) as v(x)`);
    expect([...(differences[0]?.keys ?? [])].sort()).toEqual(expected.map(({ key }) => key).sort());
  });
});

describe("any table", () => {
  it("may be in databases of different encodings", async () => {
    const latin1 = "template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'";
    const pair = { source: await createDatabase(OLDEST, latin1), target: await createDatabase(NEWEST) };
    await onBoth(pair, `create table p (id text primary key, a text[], j jsonb); insert into p values ('é', '{ü,"ß "}', '{"ä": "ö"}')`);
    expect(await verify(pair)).toEqual({ tables: 1, rows: 1, differences: [], unreadable: [] });
    await pair.target.query("update p set a = '{u}'");
    expect((await verify(pair)).differences[0]?.keys).toEqual(["id=é: differs in columns a"]);
  });

  it("may name objects whose names are keywords, or have namesakes, in one of the versions only", async () => {
    const pair = await createPair(`
      create schema "json_table"; create table "json_table"."system_user" (a int); create table "json_table"."Odd ""name"" a""b" (a int);
      create type "json_table"."json_scalar" as (a int); create function "json_table"."normalize"("json_table"."json_scalar") returns int language sql as 'select 1';
      create operator "json_table".=== (procedure = "json_table"."normalize", rightarg = "json_table"."json_scalar");
      create text search configuration "json_table"."json_array" (copy = simple); create text search dictionary "json_table"."json_query" (template = simple);
      create table named (id int primary key, c regclass, p regproc, pr regprocedure, op regoper, opr regoperator, t regtype, n regnamespace, cf regconfig, d regdictionary, r regrole, cs regclass[], arr regtype[]);
      set search_path = '';
      insert into public.named select 1, '"json_table"."system_user"', '"json_table"."normalize"', '"json_table"."normalize"("json_table"."json_scalar")', '"json_table".===', '"json_table".===(none, "json_table"."json_scalar")',
        '"json_table"."json_scalar"', '"json_table"', '"json_table"."json_array"', '"json_table"."json_query"', 'postgres', array['"json_table"."Odd ""name"" a""b"', '"json_table"."system_user"', 'pg_class', null]::regclass[], array['"char"', 'char', 'text[]']::regtype[];
      insert into public.named (id, p, c) select 2, oid::regproc, 0 from pg_catalog.pg_proc where proname = 'random' and pronargs = 0;
      insert into public.named (id) values (3)`);
    expect((await verify(pair)).differences).toEqual([]);
    await pair.target.query(`update public.named set t = '"json_table"."json_scalar"[]' where id = 1; update public.named set c = null, p = 'pg_backend_pid' where id = 2`);
    expect((await verify(pair)).differences[0]?.keys).toEqual(["id=1: differs in columns t", "id=2: differs in columns c, p"]);
  });

  it.each([
    [OLDEST, NEWEST],
    [NEWEST, NEWEST],
  ] as const)("may hold bytes of no encoding in SQL_ASCII databases: PostgreSQL %i and %i", async (sourceMajor, targetMajor) => {
    const anyBytes = "template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'";
    const pair = { source: await createDatabase(sourceMajor, anyBytes), target: await createDatabase(targetMajor, anyBytes) };
    await onBoth(
      pair,
      String.raw`create table bytes (id text primary key, a text, b text[], c char(3), d varchar);
        insert into bytes select k, convert_from('\xe9ff41', 'SQL_ASCII'), array[convert_from('\xff', 'SQL_ASCII')], convert_from('\xfe', 'SQL_ASCII'), convert_from('\x80', 'SQL_ASCII')
        from unnest(array['plain', convert_from('\xff80', 'SQL_ASCII')]) k`,
    );
    expect(await verify(pair)).toEqual({ tables: 1, rows: 2, differences: [], unreadable: [] });
    await pair.target.query(String.raw`update bytes set a = convert_from('\xe8ff41', 'SQL_ASCII'), b = array[convert_from('\xfe', 'SQL_ASCII')]`);
    expect((await verify(pair)).differences[0]?.keys).toEqual(["id=plain: differs in columns a, b", "id=��: differs in columns a, b"]);
  });

  it("may have any name, no columns, no rows, children, 1,600 columns, or other columns in another order", async () => {
    const pair = await createPair(`
      create schema "Odd ""schema"".x"; create table "Odd ""schema"".x"."Tä b.""le'" ("Sel""ect $1" int primary key, "t" text, "q" int, "id" int);
      insert into "Odd ""schema"".x"."Tä b.""le'" values (1, 'x');
      create table none (); insert into none default values; insert into none default values;
      create table empty (a int primary key);
      create table parent (a int); create table child () inherits (parent); insert into parent values (1); insert into child values (2);`);
    const wide = Array.from({ length: 1600 }, (_, place) => `c${place} ${place % 2 === 0 ? "int2" : "text"}`);
    await onBoth(pair, `create table wide (${wide.join(", ")}); insert into wide (c0, c1, c1599) values (1, 'x', 'y');`);
    await pair.source.query("create table moved (a int, gone text, b text); alter table moved drop column gone; insert into moved values (1, 'b')");
    await pair.target.query("create table moved (b text, a int); insert into moved values ('b', 1)");
    expect(await verify(pair)).toEqual({ tables: 7, rows: 7, differences: [], unreadable: [] });

    await onBoth(pair, "delete from child");
    await pair.target.query(`insert into none default values; update wide set c1599 = 'z'; update "Odd ""schema"".x"."Tä b.""le'" set t = 'y'; update only parent set a = 3;`);
    expect((await verify(pair)).differences.map(({ table, keys }) => [table, ...keys])).toEqual([
      [`"Odd ""schema"".x"."Tä b.""le'"`, `Sel"ect $1=1: differs in columns t`],
      ["public.none", "ctid (0,3) on the target has no equal row on the source"],
      ["public.parent", expect.stringContaining("ctid"), expect.stringContaining("ctid")],
      ["public.wide", expect.stringContaining("ctid"), expect.stringContaining("ctid")],
    ]);
  });

  it("that cannot be compared is named, and the others are compared all the same", async () => {
    const pair = await createPair(
      "create table a (id int primary key, b text, c varchar(3)); create table secret (a int); create table granted (a int); create table shown (a int); insert into shown values (1)",
    );
    await pair.target.query("alter table a drop column b, alter column c type text, add column d int");
    await pair.source.query("create table lost (a int)");
    await onBoth(pair, "alter table secret enable row level security; alter table secret force row level security");
    const role = `reader_${process.pid}`;
    await onBoth(pair, `create role ${role} login password 'x'; grant select on all tables in schema public to ${role}`);
    try {
      const asReader = { source: reader(pair.source, role), target: reader(pair.target, role) };
      await pair.target.query(`revoke select on granted from ${role}`);
      const { differences, tables, unreadable } = await verify(asReader);
      expect(tables).toBe(5);
      expect(differences.map(({ table, reason }) => [table, reason])).toEqual([
        ["public.a", "columns differ: b is missing on the target, c is character varying(3) on the source, text on the target, d is only on the target"],
        ["public.lost", "missing on the target"],
      ]);
      expect(unreadable).toMatchObject([
        { table: "public.granted", error: { code: "privilege-missing", message: expect.stringMatching(/^target .*permission denied/) as string } },
        { table: "public.secret", error: { code: "privilege-missing", message: expect.stringMatching(/^source .*row-level security/) as string } },
      ]);
    } finally {
      await onBoth(pair, `drop owned by ${role}; drop role ${role}`);
    }
  });

  it.runIf(THOROUGH)("may hold a row of 100 MB", async () => {
    const pair = await createPair(
      "create table heavy (id int primary key, t text, b bytea); alter table heavy alter t set storage external; insert into heavy values (1, repeat('0123456789', 10000000), decode(repeat('00ff', 5000000), 'hex'))",
    );
    expect(await verify(pair)).toMatchObject({ rows: 1, differences: [] });
    await pair.target.query("update heavy set t = t || 'x'");
    expect((await verify(pair)).differences[0]?.keys).toEqual(["id=1: differs in columns t"]);
  });

  it("is compared with more tables than one transaction may lock, under the snapshot given", async () => {
    const pair = await createPair();
    const many = Array.from({ length: 230 }, (_, place) => `create table t${place} (id int primary key, note text); insert into t${place} values (${place}, 'x');`);
    await onBoth(pair, many.join("\n"));
    await pair.source.query("begin isolation level repeatable read");
    const [exported] = await pair.source.query<{ snapshot: string }>("select pg_export_snapshot() as snapshot");
    const other = await openSession(pair.source.endpoint("source"));
    await other.query("delete from public.t0; delete from public.t229");
    await other.close();
    expect(await verify(pair, { sourceSnapshot: exported?.snapshot ?? "" })).toEqual({ tables: 230, rows: 230, differences: [], unreadable: [] });
    await pair.source.query("commit");
    await expect(verify(pair, { sourceSnapshot: exported?.snapshot ?? "" })).rejects.toMatchObject({ code: "snapshot-lost", retry: "automatic" });
    expect((await verify(pair)).differences.map(({ table }) => table)).toEqual(["public.t0", "public.t229"]);
  });
});

describe("an abort", () => {
  it("ends running queries and leaves no session", async () => {
    const pair = await createPair("create table slow (id int primary key)");
    await pair.target.query("begin; lock table slow in access exclusive mode");
    const controller = new AbortController();
    const verifying = verify(pair, { signal: controller.signal }).catch((error: unknown) => error);
    await sleep(400);
    const started = performance.now();
    controller.abort(new Error("enough"));
    expect(await verifying).toMatchObject({ message: "enough" });
    expect(performance.now() - started).toBeLessThan(1500);
    await pair.target.query("commit");
  });

  it("comes from a connection that is lost, too", async () => {
    const pair = await createPair("create table slow (id int primary key)");
    await pair.target.query("begin; lock table slow in access exclusive mode");
    const verifying = verify(pair);
    await sleep(400);
    const caught = verifying.catch((error: unknown) => error);
    await pair.target.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'godwit'; commit");
    expect(await caught).toMatchObject({ code: "connection-lost" });
  });
});

/** The same database for another role. */
function reader(database: TestDatabase, role: string): TestDatabase {
  return { ...database, endpoint: (side) => ({ ...database.endpoint(side), user: role, password: "x" }) };
}
