import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openSession } from "../wire/session.ts";
import { keyConditions } from "./key-bounds.ts";

const PARTS = 7;

/** Letters of both cases and digits: every collation and citext order these in another way. */
const WORDS =
  "select distinct on (w) w from (select pg_catalog.chr(65 + i % 26) || pg_catalog.chr(97 + i % 23) || (i % 97) as a, i from generate_series(1, 3000) i) t, lateral (values (a), (lower(a)), (a || 'é')) v (w)";

/** A table `k` with its keys, and by which column it is cut, if at all. */
const KEYS: readonly (readonly [name: string, sql: string, cut: string | undefined, since?: number])[] = [
  ["integers", "create table k (id bigint primary key); insert into k select i * 3 - 5000 from generate_series(1, 4000) i", "id"],
  [
    "a domain over integers",
    "create domain number as integer check (value > -10000); create table k (id number primary key); insert into k select i - 2000 from generate_series(1, 4000) i",
    "id",
  ],
  ["text", `create table k (id text primary key); insert into k ${WORDS}`, "id"],
  [
    "text of another collation than the database's",
    `create collation lang (provider = icu, locale = 'de-u-kf-upper'); create table k (id text collate lang primary key); insert into k ${WORDS}`,
    "id",
  ],
  [
    "a nondeterministic collation",
    `create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create table k (id varchar(20) collate loose primary key);
     insert into k select distinct on (w collate loose) w from (${WORDS}) t`,
    "id",
    12,
  ],
  [
    "a domain of one collation, used with another",
    `create collation lang (provider = icu, locale = 'de-u-kf-upper'); create domain word as text collate "C"; create table k (id word collate lang primary key); insert into k ${WORDS}`,
    "id",
  ],
  ["padded text", `create table k (id character(12) primary key); insert into k select 'a' || w from (${WORDS}) t`, "id"],
  ["identifiers", `create table k (id name primary key); insert into k ${WORDS}`, "id"],
  [
    "numbers with NaN and infinity",
    "create table k (id double precision primary key); insert into k select sqrt(i) - 30 from generate_series(1, 4000) i union all values (float8 'NaN'), ('Infinity'), ('-Infinity')",
    "id",
  ],
  ["times", "create table k (id timestamptz primary key); insert into k select timestamptz '1999-01-01 12:00+02' + i * interval '7 hours' from generate_series(1, 4000) i", "id"],
  [
    "an enum whose labels are not in the order of their letters",
    `do $$ begin execute (select 'create type label as enum (' || string_agg(quote_literal('l' || (i * 37) % 401), ',' order by i) || ')' from generate_series(1, 400) i); end $$;
     create table k (id label, n integer, primary key (id, n)); insert into k select unnest(enum_range(null::label)), n from generate_series(1, 5) n`,
    "id",
  ],
  ["an index of another operator class", `create table k (id text not null); create unique index on k (id text_pattern_ops); insert into k ${WORDS}`, undefined],
  [
    "an index of another collation than the column's",
    `create table k (id text collate "C" not null); create unique index on k (id collate "POSIX"); insert into k ${WORDS}`,
    undefined,
  ],
  ["citext", `create extension citext; create table k (id citext primary key); insert into k select distinct on (lower(w)) w from (${WORDS}) t`, undefined],
  [
    "a domain over citext",
    `create extension citext; create domain mail as citext; create table k (id mail primary key); insert into k select distinct on (lower(w)) w from (${WORDS}) t`,
    undefined,
  ],
  [
    "ltree",
    "create extension ltree; create table k (id ltree primary key); insert into k select ('top.' || i % 50 || '.leaf' || i)::ltree from generate_series(1, 3000) i",
    undefined,
  ],
  ["names of relations", "create table k (id regclass primary key); insert into k select oid::regclass from pg_class", undefined],
  [
    "citext, and another key beside it",
    `create extension citext; create table k (id citext primary key, other integer not null unique); insert into k select distinct on (lower(w)) w, row_number() over () from (${WORDS}) t`,
    "other",
  ],
];

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it.each(KEYS.filter(([, , , since = 0]) => major >= since))("cuts so that each row is in exactly one part: %s", async (_name, sql, cut) => {
    const database = await createDatabase(major);
    await database.query(`${sql}; analyze k`);
    await using session = await openSession(database.endpoint("source"));
    const conditions = await keyConditions(session, (await database.query<{ oid: string }>("select 'k'::regclass::oid::text as oid"))[0]!.oid, PARTS);
    expect(conditions.map((condition) => condition.split(" ")[0])).toEqual(cut === undefined ? [] : Array.from({ length: PARTS }, () => cut));
    if (conditions.length === 0) conditions.push("true");
    const counts: number[] = [];
    for (const condition of conditions) counts.push((await session.query<{ n: number }>(`select count(*)::int as n from public.k where ${condition}`))[0]!.n);
    const [{ n } = { n: 0 }] = await session.query<{ n: number }>("select count(*)::int as n from public.k");
    // A sum over conditions that hold for one row never, for another twice, could be right by chance.
    const [{ n: exactly } = { n: 0 }] = await session.query<{ n: number }>(
      `select count(*)::int as n from public.k where ${conditions.map((condition) => `(${condition})::pg_catalog.int4`).join(" + ")} = 1`,
    );
    expect(exactly).toBe(n);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });
});
