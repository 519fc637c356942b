import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("raises an alarm for tables that somebody truncates where that is not decoded, and for tables of extensions that move in part", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table t (id int primary key); create table staging (id int primary key)");
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    expect(await itemsOf("unfollowed-changes", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    await source.query("truncate staging");
    const noTruncate = major < 11 ? [`public.staging: truncated or rewritten at least once; PostgreSQL ${major} does not decode TRUNCATE`] : [];
    const [item] = await itemsOf("unfollowed-changes", ...ends, TYPE);
    expect(item).toMatchObject({ result: major < 11 ? "alarm" : "passed", evidence: noTruncate });
    // What the script of an extension does with pg_extension_config_dump, which nobody else may call.
    await source.query(`create extension hstore; create table settings (id int primary key, own boolean); alter extension hstore add table settings;
      update pg_extension set extconfig = array['settings'::regclass::oid], extcondition = array['where own'] where extname = 'hstore'`);
    const [partial] = await itemsOf("unfollowed-changes", ...ends, TYPE);
    expect(partial).toMatchObject({ result: "alarm", evidence: [...noTruncate, "public.settings: a table of an extension, of which only some rows move"] });
  });
});
