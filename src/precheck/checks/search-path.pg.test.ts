import { expect, it } from "vitest";
import { itemsOf, mend, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { newProgress } from "../../task/events.ts";

it.each(OUTER_MAJORS)(
  "PostgreSQL %i: functions that need a search_path are named with the place that calls them; SQL mends it, and the rows arrive",
  { timeout: 120_000 },
  async (major) => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query(`create function lowered(text) returns text immutable language plpgsql as 'begin return lower($1); end';
    create schema "S"; create function "S"."Norm"(text) returns text strict immutable language plpgsql as 'begin return lowered($1); end';
    create table zones (z text); insert into zones values ('a');
    create function has(text) returns bool stable language plpgsql as 'begin return exists (select from zones where z = $1); end';
    create function qualified(text) returns text immutable language plpgsql as 'begin return public.lowered($1); end';
    create table "T" (t text); create index by_norm on "T" ("S"."Norm"(t)); create index fine on "T" (qualified(t)); insert into "T" values (null), ('A');
    create table v (t text check (has(t))); insert into v values ('a');
    create table alone (t text check (has(t)))`);
    if (major >= 12) await source.query(`create table g (t text, n text generated always as ("S"."Norm"(t)) stored)`);
    const [item] = await itemsOf("search-path", ...ends);
    expect(item).toMatchObject({
      result: "failed",
      evidence: ["index by_norm of public.T: function lowered(text) does not exist", 'constraint v_t_check of public.v: relation "zones" does not exist'],
      fixSql: `alter function "S"."Norm"(text) set search_path = "S", pg_temp;\nalter function public.has(text) set search_path = public, pg_temp;`,
    });
    expect(
      await itemsOf("search-path", ...ends, {
        exclude: [
          { kind: "table", pattern: "public.T" },
          { kind: "table", pattern: "public.v" },
        ],
      }),
    ).toMatchObject([{ result: "passed" }]);
    await mend(item, ...ends);
    // What it names is in another schema than its own.
    expect(await itemsOf("search-path", ...ends)).toMatchObject([{ result: "failed", evidence: [expect.stringContaining("by_norm")] }]);
    await source.query(`alter function "S"."Norm"(text) set search_path = public`);
    expect(await itemsOf("search-path", ...ends)).toMatchObject([{ result: "passed" }]);
    const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
    expect(await migrate(taskOptions(...ends, { acceptAlarms: true }), hooks)).toMatchObject({ state: "succeeded", rows: 4 });
  },
);
