import { describe, expect, it } from "vitest";
import { taskOptions } from "../../test/kit/checks.ts";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { newProgress } from "../task/events.ts";
import { migrate } from "../../test/kit/migrate.ts";

const PARTITIONS = 7;

/** A partitioned table over one key, and a row for each of `values`, which name a label `m`. */
function hashed(name: string, type: string, key: string, value: string): string {
  const parts = Array.from({ length: PARTITIONS }, (_, at) => `create table ${name}_${at} partition of ${name} for values with (modulus ${PARTITIONS}, remainder ${at})`);
  return `create table ${name} (k ${type}, id integer) partition by hash (${key}); ${parts.join("; ")}; insert into ${name} select ${value}, row_number() over () from unnest(enum_range(null::mood)) m`;
}

/** An enum's hash is that of an oid: rows belong to other partitions on the target, by any key that holds an enum. */
describe.skipIf(!TEST_MAJORS.includes(14) || !TEST_MAJORS.includes(18))("hash partitions over enums inside of other types, from 14 to 18", () => {
  it("get the rows that belong to them there", async () => {
    const [source, target] = [await createDatabase(14), await createDatabase(18)];
    const labels = Array.from({ length: 20 }, (_, at) => `'label ${at}'`).join(", ");
    await source.query(`
      create type padding as enum (${labels}); create type padding2 as enum (${labels}); drop type padding, padding2;
      create type mood as enum (${labels}); create type pair as (a integer, m mood); create type moods as range (subtype = mood, multirange_type_name = moodses); create domain felt as mood;
      ${hashed("arrays", "mood[]", "k", "array[m, m]")};
      ${hashed("composites", "pair", "k", "row(1, m)::pair")};
      ${hashed("composite_arrays", "pair[]", "k", "array[row(1, m)::pair]")};
      ${hashed("ranges", "moods", "k", "moods(null, m)")};
      ${hashed("multiranges", "moodses", "k", "moodses(moods(null, m))")};
      ${hashed("domains", "felt", "k", "m")};
      ${hashed("domain_arrays", "felt[]", "k", "array[m::felt]")};
      ${hashed("expressions", "mood", "(array[k])", "m")};
      ${hashed("below", "text", "k", "m::text")};
      create table mixed (m mood[], id integer) partition by list (id);
      create table mixed_1 partition of mixed for values in (1) partition by hash (m);
      create table mixed_1_0 partition of mixed_1 for values with (modulus 2, remainder 0); create table mixed_1_1 partition of mixed_1 for values with (modulus 2, remainder 1);
      create table mixed_2 partition of mixed for values in (2);
      insert into mixed select array[m], g from unnest(enum_range(null::mood)) m, generate_series(1, 2) g`);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    for (const table of ["arrays", "composites", "composite_arrays", "ranges", "multiranges", "domains", "domain_arrays", "expressions", "below", "mixed"]) {
      const content = `select k.*::text as row from ${table} k order by 1`;
      expect(await target.query(content), table).toEqual(await source.query(content));
    }
    // Every row is found by its key, which looks into one partition only.
    expect(await target.query("select count(*)::int as n from unnest(enum_range(null::mood)) m join arrays a on a.k = array[m, m]")).toEqual([{ n: 20 }]);
    const [moved] = await source.query<{ places: string }>("select string_agg(tableoid::regclass::text, ' ' order by id) as places from arrays");
    expect(await target.query("select string_agg(tableoid::regclass::text, ' ' order by id) as places from arrays")).not.toEqual([moved]);
  });
});

/** A text's hash is that of its bytes, a regclass's that of an oid. */
describe.skipIf(!TEST_MAJORS.includes(14) || !TEST_MAJORS.includes(18))("hash partitions over what has other bytes on the target, from 14 to 18", () => {
  it("get the rows that belong to them there", async () => {
    const source = await createDatabase(14, "encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0");
    const target = await createDatabase(18, "encoding 'UTF8' template template0");
    await source.query(`create type mood as enum ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
      ${hashed("texts", "text", "k", "m::text || 'é'")}; ${hashed("text_arrays", "text[]", "k", "array[m::text || 'é']")};
      ${hashed("classes", "regclass", "k", "((array['texts_0', 'texts_1', 'texts_2', 'texts_3', 'texts_4', 'texts_5', 'text_arrays_1', 'text_arrays_2'])[ascii(m::text) - 96])::regclass")}`);
    const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true, verify: true });
    await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    for (const table of ["texts", "text_arrays", "classes"]) {
      const content = `select k::text, id from ${table} order by id`;
      expect(await target.query(content), table).toEqual(await source.query(content));
    }
  });
});
