import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { copyTables } from "../plan/plan-chunks.ts";
import { openSession } from "../wire/session.ts";
import { mayBypassTriggers } from "./deferred-entries.ts";
import { copyUnloggedTables } from "./unlogged-tables.ts";

const SIGNAL = new AbortController().signal;

describe.each(OUTER_MAJORS)("from PostgreSQL %i", (major) => {
  it("copies unlogged tables again, also with foreign keys among them and triggers on them", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    const structure = `create unlogged table child (id int primary key, parent int); create unlogged table parent (id int primary key, v text); create table logged (id int);
      alter table child add foreign key (parent) references parent; create unlogged table none ();
      create function refuse() returns trigger language plpgsql as 'begin raise ''fired''; end'; `;
    await source.query(
      `${structure} insert into parent select n, 'v' || n from generate_series(1, 500) n; insert into child select n, n from generate_series(1, 500) n; insert into logged values (1)`,
    );
    await target.query(
      `${structure} insert into parent values (1, 'old'), (9999, 'gone at the source'); insert into child values (7, 1); create trigger t before insert on parent for each row execute procedure refuse()`,
    );
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const catalog = await readCatalog(from);
    const tables = copyTables(catalog, ({ persistence }) => persistence === "unlogged");
    const bypasses = await mayBypassTriggers(into);
    for (let round = 0; round < 2; round++) {
      const { aligned, notes } = await copyUnloggedTables(from, into, tables, bypasses, SIGNAL);
      expect(notes).toEqual([]);
      expect(aligned.toSorted((a, b) => (a.object < b.object ? -1 : 1))).toEqual([
        { object: "unlogged table public.child", to: "500 rows" },
        { object: "unlogged table public.none", to: "0 rows" },
        { object: "unlogged table public.parent", to: "500 rows" },
      ]);
    }
    const content = "select (select md5(string_agg(p::text, ',' order by id)) from parent p) as parent, (select md5(string_agg(c::text, ',' order by id)) from child c) as child";
    expect(await target.query(content)).toEqual(await source.query(content));
    expect(await copyUnloggedTables(from, into, [], bypasses, SIGNAL)).toEqual({ aligned: [], notes: [] });
  });

  it("leaves both sessions usable, and the target as it was, after a failure", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query("create unlogged table t (a int); insert into t values (1), (null)");
    await target.query("create unlogged table t (a int not null); insert into t values (5)");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const tables = copyTables(await readCatalog(from), () => true);
    await expect(copyUnloggedTables(from, into, tables, true, SIGNAL)).rejects.toMatchObject({ code: "copy-failed", object: "public.t" });
    expect(await into.query("select a from public.t")).toEqual([{ a: 5 }]);
    expect(await from.query("select pg_catalog.count(*)::int as n from public.t")).toEqual([{ n: 2 }]);
  });
});
