import { expect, it } from "vitest";
import type { Major } from "../embedded/binaries.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openTestStream } from "../../test/kit/stream.ts";
import type { Applied } from "./applier.ts";

/** Tables, and what happens to them at the source: each text of `changes` is one batch. The target must be equal after each. */
interface Scenario {
  readonly since?: Major;
  readonly ddl: string;
  readonly targetDdl?: string;
  readonly tables: readonly string[];
  readonly changes: readonly string[];
  /** What happens to tables before the slot is made. */
  readonly rows?: string;
  /** Changes collide when they are merged, and are applied in order. */
  readonly collides?: true;
}

const LONG = "(select string_agg(md5(i::text), '') from generate_series(1, 2000) i)";
const TYPES = `create schema "we ird""";
  create type "we ird""".mood as enum ('sad', 'o''k', 'ha"ppy\\', '{}', 'NULL'); create domain "we ird""".posint as int check (value > 0); create domain "we ird""".ints as int[];
  create type "we ird""".pair as (a int, "b""c" text, c "we ird""".mood); create extension citext; create extension hstore;
  create table public.types (id int primary key, i2 int2, i8 int8, num numeric, num2 numeric(10, 2), f4 float4, f8 float8, b bool, c "char", n name, bp char(5), bpx bpchar, vc varchar(7), t text, by bytea,
    d date, ti time, tz timetz, ts timestamp, tstz timestamptz(3), iv interval, ivm interval day to second(2), m money, bi bit(5), vb varbit, u uuid, j json, jb jsonb, x xml, p point, bx box, po polygon, ci circle,
    ip inet, cd cidr, ma macaddr, tv tsvector, tq tsquery, r int4range, nr numrange, o oid, rc regclass, e "we ird""".mood, dp "we ird""".posint, di "we ird""".ints, pr "we ird""".pair,
    ai int[], at text[], ae "we ird""".mood[], abx box[], apr "we ird""".pair[], abp char(3)[], ajb jsonb[], aby bytea[], ad date[], ct public.citext, hs public.hstore, ahs public.hstore[], adp numeric(6, 2)[])`;
const TYPE_ROWS = String.raw`
  (1, -32768, 9223372036854775807, 1.00, 12.30, 'NaN', '-0', true, 'x', 'na"me', 'ab', 'ab  ', '', '', '\x00ff5c22', 'infinity', '23:59:59.999999', '10:00+05:30', '-infinity', '0044-03-15 12:00:00 BC', '-1 year 2 mons -3 days 04:05:06.7',
    '1 day 02:03:04.56', '-1.23', B'10101', B'', '00000000-0000-0000-0000-000000000001', '{"a" : "\"\\"}', '{"a": "\"\\", "n": 1.00}', '<a b="c">&amp;</a>', '(1.1,-2)', '(1,2),(3,4)', '((0,0),(1,1),(1,0))', '<(0,0),1>',
    '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', $$'a''b' 'c\\d':1A$$, $$'x\\y' & !'z'$$, '[1,5)', 'empty', 4294967295, 'pg_class', 'ha"ppy\', 5, '{1,NULL,3}', '(1,"a""b\\,(",NULL)',
    '{{1,2},{3,NULL}}', '{"a,b","NULL",NULL,"",  "q\"\\\\ {}"}', '{"o''k","ha\"ppy\\","{}","NULL"}', '{(1,2),(3,4);(5,6),(7,8)}', '{"(1,\"x\"\"y\\\\\",sad)",NULL}', '{"a","b  "}', '{"{\"a\": 1}"}', '{"\\x00ff","\\x"}', '[2:3]={2020-01-01,infinity}', 'CiText', 'a=>"b\"c", d=>NULL', '{"a=>1"}', '{1.10,NULL}'),
  (2, null, null, 'NaN', null, 'Infinity', 1e-300, null, '', '', '', '', null, E'tab\tnl\ncr\rbs\\ \b\f\v', '', '-infinity', '00:00', '24:00-15:59', '294276-12-31 23:59:59.999999', 'infinity', '0', null, '92233720368547758.07', B'00000', B'1', null,
    '[]', 'null', 'text &amp; more', null, null, null, null, null, null, null, '', '', 'empty', '(,)', 0, null, 'NULL', null, '{}', '(,,)', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '', '', '{}', '{}'),
  (3, ${"null, ".repeat(57)}null)`;

/** Those of which the binary format says the same everywhere. */
const PLAIN_TYPES = `create type public.mood as enum ('sad', 'o''k');
  create table public.types (id int primary key, i2 int2, i8 int8, num numeric, num2 numeric(10, 2), f4 float4, f8 float8, b bool, n name, bp char(5), bpx bpchar, vc varchar(7), t text, by bytea,
    d date, ti time, tz timetz, ts timestamp, tstz timestamptz(3), iv interval, ivm interval day to second(2), bi bit(5), vb varbit, u uuid, j json, jb jsonb, ip inet, cd cidr, ma macaddr, m8 macaddr8,
    o oid, l pg_lsn, e public.mood)`;
const PLAIN_ROWS = String.raw`
  (1, -32768, 9223372036854775807, 1.00, 12.30, 'NaN', '-0', true, 'na"me', 'ab', 'ab  ', '', '', '\x00ff5c22', 'infinity', '23:59:59.999999', '10:00+05:30', '-infinity', '0044-03-15 12:00:00 BC', '-1 year 2 mons -3 days 04:05:06.7',
    '1 day 02:03:04.56', B'10101', B'', '00000000-0000-0000-0000-000000000001', '{"a" : "\"\\"}', '{"a": "\"\\", "n": 1.00}', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', 4294967295, '16/B374D848', 'o''k'),
  (2, null, null, 'NaN', null, 'Infinity', 1e-300, null, '', '', '', null, E'tab\tnl\ncr\rbs\\ \b\f\v ünïcödé', '', '-infinity', '00:00', '24:00-15:59', '294276-12-31 23:59:59.999999', 'infinity', '0', null, B'00000', B'1', null,
    '[]', 'null', '10.0.0.1/8', null, null, null, 0, '0/0', 'sad'),
  (3, ${"null, ".repeat(31)}null), (-2147483647, 32767, -9223372036854775808, '-1e-30', '-0.01', '0.1', '0.30000000000000004', false, 'x', 'ünï', 'x', 'ÿ', '\\N', '\x5c4e', '4714-11-24 BC', '24:00', '00:00+14', '0044-03-15 BC', '1883-11-18 12:00:00-05',
    '178000000 years', '-00:00:00.01', B'11111', B'1010101011', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', '[1, {"x": null}]', 'fe80::1/64', '2001:db8::/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', 1, 'FFFFFFFF/FFFFFFFF', null)`;

/** Arrays, domains, composites and the like come as text. */
function hasOwnTypes({ ddl }: Scenario): boolean {
  return /\[\]|domain|composite|xml|citext|range|"char"|\bbox\b|tsvector|money|as \(/.test(ddl);
}

const SCENARIOS: Record<string, Scenario> = {
  "repeated changes of a key, and rows that come and go": {
    ddl: "create table public.a (id int primary key, v int)",
    tables: ["public.a"],
    changes: [
      "insert into public.a select i, i from generate_series(1, 20) i",
      "update public.a set v = v + 1; update public.a set v = v + 1 where id < 10; delete from public.a where id = 3; insert into public.a values (3, 33); update public.a set v = 34 where id = 3; insert into public.a values (50, 1); update public.a set v = 2 where id = 50; delete from public.a where id = 50; delete from public.a where id = 5; insert into public.a values (5, 55); delete from public.a where id = 5",
      "begin; savepoint s; update public.a set v = 0; rollback to s; insert into public.a values (70, 1); savepoint t; delete from public.a where id = 70; release t; commit",
      "update public.a set id = id; insert into public.a values (60, 1); delete from public.a where id = 60; insert into public.a values (60, 2)",
    ],
  },
  "key changes: chains, swaps, and a key taken again": {
    ddl: "create table public.k (id int primary key, v text); create table public.kk (b text, v text, a int, primary key (a, b))",
    tables: ["public.k", "public.kk"],
    changes: [
      "insert into public.k values (1, 'one'), (5, 'five'), (6, 'six'); insert into public.kk values ('x', 'v', 1), ('y', null, 1), ('', 'e', 2)",
      "update public.k set id = 2 where id = 1; update public.k set id = 3, v = 'changed' where id = 2; update public.kk set a = 7 where b = 'x'; update public.kk set b = 'x', a = 1 where b = 'y'",
      "update public.k set id = -5 where id = 5; update public.k set id = 5 where id = 6; update public.k set id = 6 where id = -5; update public.k set id = 60 where id = 6; insert into public.k values (6, 'new'); delete from public.k where id = 60; update public.k set id = 99 where id = 6; delete from public.k where id = 99",
      "update public.kk set a = a + 1, b = b || 'z'",
    ],
  },
  "swaps with deferrable constraints": {
    ddl: "create table public.d (id int primary key deferrable initially deferred, v text); alter table public.d replica identity full; create table public.du (id int primary key, u int unique deferrable, w int, exclude (w with =) deferrable)",
    tables: ["public.d", "public.du"],
    changes: [
      "insert into public.d values (1, 'a'), (2, 'b'), (3, 'c'); insert into public.du select i, i, i from generate_series(1, 50) i",
      "begin; update public.d set id = 2 where v = 'a'; update public.d set id = 1 where v = 'b'; commit; update public.d set id = 4 - id; update public.du set u = 51 - u, w = 51 - w",
      "update public.d set id = id + 1; update public.du set u = u + 1, w = w + 1; delete from public.d where v = 'a'",
    ],
  },
  "unchanged TOAST": {
    ddl: "create table public.o (id int primary key, v int, long text, other text); alter table public.o alter long set storage external, alter other set storage external",
    rows: `insert into public.o select i, i, ${LONG}, ${LONG} from generate_series(1, 6) i`,
    tables: ["public.o"],
    changes: [
      "update public.o set v = v + 1 where id < 5; update public.o set other = 'short' where id = 2; update public.o set long = null where id = 3",
      `update public.o set long = ${LONG} || 'x' where id = 1; update public.o set v = 9 where id = 1; update public.o set v = 10, other = '' where id = 1`,
      "update public.o set id = 100 where id = 1; update public.o set v = 0 where id = 100; update public.o set id = 101 where id = 100; update public.o set v = 5 where id = 6; update public.o set id = 7 where id = 6",
      `insert into public.o values (8, 1, ${LONG}, ${LONG} || 'y'); update public.o set v = 2 where id = 8; update public.o set id = 9 where id = 8; update public.o set v = 3 where id = 9`,
      "delete from public.o where id = 9; insert into public.o values (9, 1, 'a', 'b')",
    ],
  },
  "TOAST in a table with whole rows, and in a key": {
    since: 14,
    ddl: `create table public.of (id int, v int, long text); alter table public.of replica identity full; alter table public.of alter long set storage external;
      create table public.ok (k text primary key, v int); alter table public.ok alter k set storage external`,
    rows: `insert into public.of select i, i, ${LONG} from generate_series(1, 3) i; insert into public.ok select repeat(i::text, 2500), i from generate_series(1, 3) i`,
    tables: ["public.of", "public.ok"],
    changes: [
      "update public.of set v = v + 1; update public.ok set v = v + 1",
      "update public.of set id = 9 where id = 2; delete from public.of where id = 1; update public.ok set k = 'short' where v = 2; delete from public.ok where v = 3",
    ],
  },
  "unique values that move from row to row": {
    ddl: "create table public.u (id int primary key, u int unique, w int)",
    tables: ["public.u"],
    collides: true,
    changes: [
      "insert into public.u select i, i, 0 from generate_series(1, 10) i",
      "begin; update public.u set u = 0 where id = 1; update public.u set u = 1 where id = 2; update public.u set u = 2 where id = 1; commit",
      "update public.u set u = 100 where id = 1; update public.u set u = u - 1 where id = 3; insert into public.u values (20, 3, 0)",
      "update public.u set w = 1",
    ],
  },
  "exclusion constraints": {
    ddl: "create table public.x (id int primary key, r int4range, exclude using gist (r with &&))",
    tables: ["public.x"],
    collides: true,
    changes: [
      "insert into public.x values (1, '[1,5)'), (2, '[5,9)')",
      "begin; update public.x set r = '[100,101)' where id = 1; update public.x set r = '[1,3)' where id = 2; update public.x set r = '[3,9)' where id = 1; commit",
    ],
  },
  "tables without a key": {
    ddl: `create table public.n (a int, b text, n numeric); alter table public.n replica identity full; create table public.ni (a int, b text); alter table public.ni replica identity full; create index on public.ni (a);
      create table public.nj (j json, p point, x xml, t text, f float8); alter table public.nj replica identity full; create table public.ins (a int, b text);
      create table public.nu (a int unique, b text); alter table public.nu replica identity full`,
    tables: ["public.n", "public.ni", "public.nj", "public.ins", "public.nu"],
    changes: [
      "insert into public.n select 1, 'same', 1.0 from generate_series(1, 5); insert into public.n values (1, 'same', 1.00), (null, null, null), (null, null, null), (2, '', 0); insert into public.ni select i % 3, null from generate_series(1, 9) i; insert into public.ins values (1, 'x'), (1, 'x'); insert into public.nu values (null, 'a'), (null, 'a'), (1, 'b')",
      `insert into public.nj values ('{"a": 1}', '(1,2)', '<a/>', 'x', '-0'), ('{"a": 1}', '(1,2)', '<a/>', 'x', '-0'), ('{"a":1}', null, null, '', 0), (null, null, null, null, null)`,
      "delete from public.n where ctid = (select ctid from public.n where n = 1 limit 1); update public.n set b = 'other' where ctid = (select max(ctid) from public.n where n::text = '1.0'); delete from public.n where n::text = '1.00'; update public.n set a = 3 where ctid = (select min(ctid) from public.n where a is null); delete from public.ni where ctid = (select min(ctid) from public.ni where a = 0); update public.ni set b = 'y' where a = 1; delete from public.ni where a = 2",
      `update public.nj set t = 'y' where ctid = (select min(ctid) from public.nj); update public.nj set f = 0 where j::text = '{"a": 1}' and t = 'x'; delete from public.nj where j is null; update public.nj set p = '(3,4)', f = '-0' where j::text = '{"a":1}'`,
      "insert into public.n values (7, '7', 7); update public.n set a = 8 where a = 7; insert into public.n values (7, '7', 7); delete from public.n where a = 8; delete from public.n; insert into public.ins select i, 'z' from generate_series(1, 100) i; update public.nu set b = 'c' where ctid = (select min(ctid) from public.nu where a is null); delete from public.nu where a = 1",
    ],
  },
  "replica identity by an index, and none": {
    ddl: "create table public.ri (id int primary key, a int not null, b text not null, v int); create unique index ri_ab on public.ri (b, a); alter table public.ri replica identity using index ri_ab; create table public.rn (id int primary key, v int); alter table public.rn replica identity nothing",
    tables: ["public.ri", "public.rn"],
    changes: [
      "insert into public.ri values (1, 1, 'x', 1), (2, 1, 'y', 1), (3, 2, 'x', 1); insert into public.rn values (1, 1)",
      "update public.ri set v = 2, id = id + 10; update public.ri set a = 7 where b = 'y'; delete from public.ri where a = 2; insert into public.rn values (2, 1)",
    ],
  },
  "keys whose text differs though they are equal": {
    ddl: "create extension citext; create table public.en (n numeric primary key, v int); create table public.ec (c public.citext primary key, v int); create table public.ef (f float8 primary key, v int); create table public.ei (i interval, c char(6), v int, primary key (c, i))",
    tables: ["public.en", "public.ec", "public.ef", "public.ei"],
    changes: [
      "insert into public.en values (1.0, 1), (2, 2); insert into public.ec values ('Abc', 1), ('x', 2); insert into public.ef values (0, 1), ('NaN', 2); insert into public.ei values ('1 day', 'a', 1), ('24:00', 'b', 1)",
      "update public.en set v = 5 where n = 1; update public.en set n = 1.00 where n = 1; update public.en set v = 6 where n = 1; update public.ec set c = 'ABC' where c = 'abc'; update public.ec set v = 9 where c = 'abc'; update public.ef set f = '-0' where f = 0; update public.ef set v = 3; update public.ei set i = '24:00' where c = 'a'; update public.ei set v = 4",
      "delete from public.en where n = 1; insert into public.en values (1.000, 7); update public.ec set c = 'y' where c = 'X'; delete from public.ec where c = 'ABC'; delete from public.ef where f = 0; delete from public.ei where c = 'b'",
    ],
  },
  TRUNCATE: {
    since: 14,
    ddl: "create table public.tp (id int primary key, s serial); create table public.tc (id int primary key, p int references public.tp); create table public.tt (id int generated by default as identity primary key, v int)",
    tables: ["public.tp", "public.tc", "public.tt"],
    changes: [
      "insert into public.tp values (1), (2); insert into public.tc values (1, 1), (2, 2); insert into public.tt (v) values (1), (2)",
      "insert into public.tt (v) values (3); truncate public.tt; insert into public.tt (v) values (4); update public.tt set v = 5; insert into public.tc values (3, 2); truncate public.tp cascade; insert into public.tp values (9); insert into public.tc values (9, 9)",
      "truncate public.tt restart identity; insert into public.tt (v) values (1)",
    ],
  },
  "TRUNCATE of what unlogged tables and partitions refer to": {
    since: 14,
    ddl: `create table public.tp (id int primary key); create unlogged table public.tu (id int primary key references public.tp); create unlogged table public.tv (id int references public.tu);
      create table public.tq (id int references public.tp) partition by list (id); create table public.tq1 partition of public.tq for values in (1); create unlogged table public.tq2 partition of public.tq for values in (2);
      create table public.tr (id int primary key) partition by list (id); create table public.tr1 partition of public.tr for values in (1); create unlogged table public.tw (id int references public.tr)`,
    rows: "insert into public.tp values (1), (2); insert into public.tu values (1); insert into public.tv values (1); insert into public.tq values (1), (2); insert into public.tr values (1); insert into public.tw values (1)",
    tables: ["public.tp", "public.tu", "public.tv", "public.tq", "public.tr", "public.tw"],
    changes: ["insert into public.tp values (3); truncate public.tp cascade; insert into public.tp values (5)", "truncate public.tr cascade"],
  },
  partitions: {
    since: 14,
    ddl: `create table public.pr (id int, at date, v text, primary key (id, at)) partition by range (at); create table public.pr1 partition of public.pr for values from ('2020-01-01') to ('2021-01-01');
      create table public.pr2 (v text, at date not null, id int not null); alter table public.pr attach partition public.pr2 for values from ('2021-01-01') to ('2022-01-01')`,
    tables: ["public.pr", "public.pr1", "public.pr2"],
    changes: [
      "insert into public.pr select i, date '2020-06-01' + i * 100, 'v' || i from generate_series(1, 5) i",
      "update public.pr set at = at + 300 where id < 2; update public.pr set v = v || '!'; delete from public.pr where id = 3; update public.pr set at = '2020-02-02' where id = 5",
      "truncate public.pr; insert into public.pr values (1, '2020-01-01', 'x')",
      "truncate public.pr1",
    ],
  },
  "other columns on the target: order, generated, identity": {
    since: 14,
    ddl: `create table public.co (id int primary key, "A ""b" text, c int, d text default 'dd'); create table public.ge (id int primary key, a int, g int generated always as (a * 2) stored, b text);
      create table public.ia (id int generated always as identity primary key, v text); create table public.iv (id int primary key, n int generated always as identity, v text, long text); alter table public.iv alter long set storage external;
      create table public.if (a int, n int generated always as identity, v text); alter table public.if replica identity full`,
    targetDdl: `create table public.co (c int, d text default 'dd', "A ""b" text, gone int, id int primary key); alter table public.co drop column gone; create table public.ge (b text, g int generated always as (a * 2) stored, id int primary key, a int);
      create table public.ia (id int generated always as identity primary key, v text); create table public.iv (id int primary key, n int generated always as identity, v text, long text);
      create table public.if (a int, n int generated always as identity, v text)`,
    tables: ["public.co", "public.ge", "public.ia", "public.iv", "public.if"],
    changes: [
      `insert into public.co values (1, 'x', 2), (2, null, 3); insert into public.ge (id, a, b) values (1, 1, 'x'), (2, null, 'y'), (3, 3, 'z'), (4, 4, ''); insert into public.ia (v) select i::text from generate_series(1, 5) i; insert into public.iv (id, v, long) select i, 'v', ${LONG} from generate_series(1, 5) i; insert into public.if (a, v) values (1, 'a'), (2, 'b'), (3, 'c')`,
      "update public.co set c = c + 1; update public.ge set a = 7; update public.ge set id = 9 where id = 1; update public.ia set v = v || '!'; update public.ia set id = default where id = 2; update public.iv set v = 'w' where id > 1; update public.iv set n = default where id = 2; update public.iv set id = 20 where id = 3; update public.if set v = v || '!'; update public.if set n = default where a = 2; delete from public.if where a = 1",
      "delete from public.co where id = 1; delete from public.ge where b = 'x'; delete from public.ia where id = 1; insert into public.iv (id, v) values (30, 'x'); update public.iv set v = 'y', n = default where id = 30; delete from public.iv where id = 2",
    ],
  },
  "tables without columns, and with nothing but a key": {
    ddl: `create table public.z (); alter table public.z replica identity full; create table public.ko (id int primary key); create schema "S "" s"; create table "S "" s"."T,.'" ("k ""'?1" int primary key, "select" text, "" int)`.replace(
      `, "" int`,
      "",
    ),
    tables: ["public.z", "public.ko", `"S "" s"."T,.'"`],
    changes: [
      "insert into public.z default values; insert into public.z default values; insert into public.z default values; insert into public.z default values; insert into public.ko select generate_series(1, 9)",
      "update public.ko set id = id; update public.ko set id = id + 100 where id > 5; delete from public.z where ctid = '(0,1)'",
      `insert into "S "" s"."T,.'" select i, 'x' from generate_series(1, 9) i`,
      `update "S "" s"."T,.'" set "select" = 'y'; update "S "" s"."T,.'" set "k ""'?1" = 100 where "k ""'?1" < 2; delete from "S "" s"."T,.'" where "k ""'?1" = 4`,
    ],
  },
  "inherited tables": {
    ddl: "create table public.ip (id int primary key, v text); create table public.ic (extra int, primary key (id)) inherits (public.ip)",
    tables: ["only public.ip", "public.ic"],
    changes: [
      "insert into public.ip values (1, 'p'), (2, 'p'), (3, 'p'); insert into public.ic values (1, 'c', 1), (2, 'c', 2), (3, 'c', 3)",
      "update only public.ip set v = 'q' where id = 1; delete from only public.ip where id = 2; update public.ic set v = 'd'",
    ],
  },
  "every type that may come in binary format": {
    ddl: `${PLAIN_TYPES}; create table public.whole (like public.types); alter table public.whole replica identity full; alter table public.types alter by set storage external`,
    tables: ["public.types", "public.whole"],
    changes: [
      `set search_path = public; insert into public.types values ${PLAIN_ROWS}; insert into public.whole select * from public.types; set search_path = ''`,
      "update public.types set id = -id; update public.types set i2 = 5; delete from public.whole where id = 2; update public.whole set i2 = 1",
      "update public.types set by = (select string_agg(decode(md5(i::text), 'hex'), '') from generate_series(1, 1000) i); insert into public.types (id, i8) select i, i from generate_series(10, 40) i",
      "update public.types set i8 = i8 - sign(i8)::int8; update public.types set id = 77 where id = -2; delete from public.types where id = 12; delete from public.whole",
    ],
  },
  "every type, in inserts, updates of many rows, and whole rows": {
    ddl: `${TYPES}; create table public.whole (like public.types); alter table public.whole replica identity full`,
    tables: ["public.types", "public.whole"],
    changes: [
      `set search_path = public; insert into public.types values ${TYPE_ROWS}; insert into public.whole select * from public.types; set search_path = ''`,
      "insert into public.types select (r).* from (select jsonb_populate_record(null::public.types, '{\"id\": 9}') as r) s; delete from public.types where id = 9; update public.types set id = -id; update public.types set i2 = 5; delete from public.whole where id = 2; update public.whole set i2 = 1",
      "update public.types set i8 = 5; update public.types set id = 77 where id = -2; update public.types set i8 = 6; delete from public.whole",
    ],
  },
};

/** Values come in binary format since 14, where all types allow it. */
const FORMATS = ["text", "binary"] as const;
const CASES = TEST_MAJORS.flatMap((major) => Object.keys(SCENARIOS).filter((name) => (SCENARIOS[name]!.since ?? 10) <= major).flatMap((name) => FORMATS.filter((format) => format === "text" || (major >= 14 && !hasOwnTypes(SCENARIOS[name]!))).map((format) => [major, name, format] as const))); // prettier-ignore

it.each(CASES)("PostgreSQL %i: %s (%s)", async (major, name, format) => {
  const { ddl, targetDdl = ddl, tables, changes, rows = "", collides } = SCENARIOS[name]!;
  await using stream = await openTestStream(major, `${ddl}; ${rows}`, `${targetDdl}; ${rows}`);
  const applied: Applied[] = [];
  for (const change of changes) {
    await stream.source.query(change);
    await stream.sync({ isBinary: format === "binary", onApplied: (result) => applied.push(result) });
    for (const table of tables) {
      const both = await stream.rows(table);
      expect(both.target, `${table} after ${change.slice(0, 200)}`).toEqual(both.source);
    }
  }
  expect(applied.some((result) => result.isInOrder)).toBe(collides === true);
  expect(applied.every((result) => result.skipped === 0)).toBe(true);
});
