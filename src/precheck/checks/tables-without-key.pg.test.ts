import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("says what is done about tables without a key", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create table keyed (id int primary key); create table keyless (a int); create table coded (code text not null unique); create table left_out (a int);
      create table documents (body json, p point, x xml); create table quiet (id int primary key); alter table quiet replica identity nothing; create unlogged table fleeting (a int)`);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    const exclude = [{ kind: "table", pattern: "left_out" }] as const;
    const [item] = await itemsOf("tables-without-key", ...ends, { ...TYPE, exclude });
    expect(item).toMatchObject({
      result: "alarm",
      evidence: [
        "public.coded: unique index coded_code_key names its rows",
        "public.documents: all columns name its rows (FULL)",
        "public.keyless: all columns name its rows (FULL)",
        "public.quiet: its primary key names its rows",
      ],
    });
    expect(await itemsOf("tables-without-key", ...ends, { ...TYPE, include: [{ kind: "table", pattern: "keyed" }] })).toMatchObject([{ result: "passed" }]);
  });

  it.runIf(major >= 18)("fails where nothing can be done", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table computed (a int, g int generated always as (a + 1) virtual)");
    expect(await itemsOf("tables-without-key", source.endpoint("source"), target.endpoint("target"), TYPE)).toMatchObject([{ result: "failed", evidence: ["public.computed"] }]);
  });
});
