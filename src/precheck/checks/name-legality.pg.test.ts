import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";

const withEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;
/** One byte each in LATIN1, two in UTF8. */
const LONG = "é".repeat(40);

it("names what is too long in the target's encoding, and moves", async () => {
  const [from, to] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
  const source = await createDatabase(from, withEncoding("LATIN1"));
  await source.query(`create schema "${LONG}"; create table "${LONG}".short (id int primary key); create table "k${LONG}" (id serial primary key);
    create table t (id int, "c${LONG}" text, constraint "n${LONG}" check (id > 0)); create index "i${LONG}" on t (id); create view v as select "c${LONG}" from t;
    create type e as enum ('l${LONG}'); create function "f${LONG}"(a int) returns int language sql as 'select 1'; create table left_out ("x${LONG}" int)`);
  const utf8 = await createDatabase(to, withEncoding("UTF8"));
  const exclude = [{ kind: "table", pattern: "left_out" }] as const;
  const [item] = await itemsOf("name-legality", source.endpoint("source"), utf8.endpoint("target"), { exclude });
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.toSorted()).toEqual([
    `column "c${LONG}" of public.t: 81 bytes in UTF-8`,
    `column "c${LONG}" of public.v: 81 bytes in UTF-8`,
    `constraint "k${LONG}_pkey" of public.k${LONG}: 86 bytes in UTF-8`,
    `constraint "n${LONG}" of public.t: 81 bytes in UTF-8`,
    `function "f${LONG}": 81 bytes in UTF-8`,
    `index "i${LONG}" of public.t: 81 bytes in UTF-8`,
    `label "l${LONG}" of e: 81 bytes in UTF-8`,
    `schema "${LONG}": 80 bytes in UTF-8`,
    `sequence "k${LONG}_id_seq": 88 bytes in UTF-8`,
    `table "k${LONG}": 81 bytes in UTF-8`,
  ]);
  // What the fix says: the source's own encoding.
  const same = await createDatabase(to, withEncoding("LATIN1"));
  expect(await itemsOf("name-legality", source.endpoint("source"), same.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  expect(await itemsOf("name-legality", utf8.endpoint("source"), same.endpoint("target"))).toEqual([]);
});

it.each(OUTER_MAJORS)("names each kind of what has a name, from %i", async (from) => {
  const to = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(from, withEncoding("LATIN1")), await createDatabase(to, withEncoding("UTF8"))];
  await source.query(`
    create table t (id int, other int); create function f() returns trigger language plpgsql as 'begin return null; end';
    create view "v${LONG}" as select 1 as a; create materialized view "m${LONG}" as select 1 as a; create index "mi${LONG}" on "m${LONG}" (a);
    create trigger "tr${LONG}" before insert on t for each row execute procedure f(); create constraint trigger "ct${LONG}" after insert on t for each row execute procedure f();
    create policy "po${LONG}" on t using (true); create rule "ru${LONG}" as on delete to t do also select 1;
    create domain "d${LONG}" as int constraint "dc${LONG}" check (value > 0); create domain short as int constraint "sc${LONG}" check (value > 0);
    create type "e${LONG}" as enum ('a'); create type "ra${LONG}" as range (subtype = int); create type "co${LONG}" as (a int); create type parts as ("pa${LONG}" int);
    create foreign data wrapper w; create server far foreign data wrapper w; create foreign table "ft${LONG}" (a int) server far;
    create table parted (a int) partition by list (a); create table "pt${LONG}" partition of parted for values in (1);
    create aggregate "ag${LONG}" (int) (sfunc = int4pl, stype = int)`);
  const [item] = await itemsOf("name-legality", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.toSorted()).toEqual([
    `column "pa${LONG}" of public.parts: 82 bytes in UTF-8`,
    `constraint "dc${LONG}" of d${LONG}: 82 bytes in UTF-8`,
    `constraint "sc${LONG}" of short: 82 bytes in UTF-8`,
    `function "ag${LONG}": 82 bytes in UTF-8`,
    `index "mi${LONG}" of public.m${LONG}: 82 bytes in UTF-8`,
    `materialized view "m${LONG}": 81 bytes in UTF-8`,
    ...(from < 14 ? [] : [`multirange "ra${LONG}_multirange" of ra${LONG}: 93 bytes in UTF-8`]),
    `policy "po${LONG}" of public.t: 82 bytes in UTF-8`,
    `rule "ru${LONG}" of public.t: 82 bytes in UTF-8`,
    `table "ft${LONG}": 82 bytes in UTF-8`,
    `table "pt${LONG}": 82 bytes in UTF-8`,
    `trigger "ct${LONG}" of public.t: 82 bytes in UTF-8`,
    `trigger "tr${LONG}" of public.t: 82 bytes in UTF-8`,
    `type "co${LONG}": 82 bytes in UTF-8`,
    `type "d${LONG}": 81 bytes in UTF-8`,
    `type "e${LONG}": 81 bytes in UTF-8`,
    `type "ra${LONG}": 82 bytes in UTF-8`,
    `view "v${LONG}": 81 bytes in UTF-8`,
  ]);
});

it.each(OUTER_MAJORS)("names what belongs to no table, and arguments, from %i", async (from) => {
  const [source, target] = [await createDatabase(from, withEncoding("LATIN1")), await createDatabase(TEST_MAJORS.at(-1)!, withEncoding("UTF8"))];
  await source.query(`create table t (id int, other int); create function named("ar${LONG}" int) returns int language sql as 'select 1';
    create foreign data wrapper "w${LONG}"; create server "s${LONG}" foreign data wrapper "w${LONG}";
    create function on_ddl() returns event_trigger language plpgsql as 'begin end'; create event trigger "ev${LONG}" on ddl_command_start execute procedure on_ddl();
    create collation "cl${LONG}" from "C"; create conversion "cv${LONG}" for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8; create statistics "st${LONG}" on id, other from t;
    create text search configuration "tc${LONG}" (copy = simple); create text search dictionary "td${LONG}" (template = simple);
    create text search parser "tp${LONG}" (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
    create text search template "tt${LONG}" (init = dsimple_init, lexize = dsimple_lexize); create operator family "of${LONG}" using btree;
    create operator class "oc${LONG}" for type int using btree as operator 1 <, function 1 btint4cmp(int, int);
    create language "la${LONG}" handler plpgsql_call_handler; create access method "am${LONG}" type index handler bthandler`);
  const [item] = await itemsOf("name-legality", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.toSorted()).toEqual([
    `access method "am${LONG}": 82 bytes in UTF-8`,
    `argument "ar${LONG}" of named: 82 bytes in UTF-8`,
    `collation "cl${LONG}": 82 bytes in UTF-8`,
    `conversion "cv${LONG}": 82 bytes in UTF-8`,
    `event trigger "ev${LONG}": 82 bytes in UTF-8`,
    `foreign-data wrapper "w${LONG}": 81 bytes in UTF-8`,
    `language "la${LONG}": 82 bytes in UTF-8`,
    `operator class "oc${LONG}": 82 bytes in UTF-8`,
    `operator family "oc${LONG}": 82 bytes in UTF-8`,
    `operator family "of${LONG}": 82 bytes in UTF-8`,
    `server "s${LONG}": 81 bytes in UTF-8`,
    `statistics "st${LONG}": 82 bytes in UTF-8`,
    `text search configuration "tc${LONG}": 82 bytes in UTF-8`,
    `text search dictionary "td${LONG}": 82 bytes in UTF-8`,
    `text search parser "tp${LONG}": 82 bytes in UTF-8`,
    `text search template "tt${LONG}": 82 bytes in UTF-8`,
  ]);
});

it.each(OUTER_MAJORS)("names publications where they move, and base types, from %i", async (from) => {
  const [source, target] = [await createDatabase(from, withEncoding("LATIN1")), await createDatabase(TEST_MAJORS.at(-1)!, withEncoding("UTF8"))];
  await source.query(`create publication "p${LONG}"; create type "b${LONG}"; create function b_in(cstring) returns "b${LONG}" language internal immutable strict as 'int4in';
    create function b_out("b${LONG}") returns cstring language internal immutable strict as 'int4out'; create type "b${LONG}" (input = b_in, output = b_out, like = int4)`);
  const evidence = async (publications: boolean) => (await itemsOf("name-legality", source.endpoint("source"), target.endpoint("target"), { publications }))[0]?.evidence;
  expect(await evidence(false)).toEqual([`type "b${LONG}": 81 bytes in UTF-8`]);
  expect(await evidence(true)).toEqual([`publication "p${LONG}": 81 bytes in UTF-8`, `type "b${LONG}": 81 bytes in UTF-8`]);
});
