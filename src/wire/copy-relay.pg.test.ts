import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { relayCopy } from "./copy-relay.ts";
import { openSession } from "./session.ts";

const NEWEST = TEST_MAJORS.at(-1)!;
const idle = (): AbortSignal => new AbortController().signal;
const counters = (): { bytes: number; rows: number } => ({ bytes: 0, rows: 0 });

describe.each(TEST_MAJORS)("relayCopy from PostgreSQL %i", (major) => {
  it("moves several tables in one message, within the target's transaction", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query(
      "create table a as select g as id, repeat('x', g % 2000) as t from generate_series(1, 50000) g; create table b (); insert into b select; insert into b select; create table c (v text)",
    );
    await target.query("create table a (id int, t text); create table b (); create table c (v text)");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const count = counters();
    const copied = await relayCopy(
      from,
      into,
      {
        sourceSql: "copy public.a to stdout; copy public.b to stdout; copy public.c to stdout",
        targetSql: "begin; truncate only public.a; copy public.a from stdin with (freeze); copy public.b from stdin; copy public.c from stdin; commit",
        objects: ["a", "b", "c"],
      },
      count,
      idle(),
    );
    expect(copied).toEqual({ readRows: [50000, 2, 0], copiedRows: [50000, 2, 0] });
    expect(count.rows).toBe(50002);
    const digest = "select count(*), md5(string_agg(id || t, ',' order by id)) from a";
    expect(await target.query(digest)).toEqual(await source.query(digest));
    // Both sessions serve again.
    expect(await from.query("select 1 as one")).toEqual([{ one: 1 }]);
    expect(await into.query("select 2 as two")).toEqual([{ two: 2 }]);
  });

  it("names the table when either side fails, and leaves both sessions usable and the target unchanged", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await source.query("create table a as select g as id from generate_series(1, 200000) g; create table b as select 'not a number'::text as n from generate_series(1, 200000)");
    await target.query("create table a (id int); create table b (n int)");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const job = {
      sourceSql: "copy public.a to stdout; copy public.b to stdout",
      targetSql: "begin; copy public.a from stdin; copy public.b from stdin; commit",
      objects: ["a", "b"],
    };
    await expect(relayCopy(from, into, job, counters(), idle())).rejects.toMatchObject({ code: "copy-failed", object: "b" });
    await into.query("rollback");
    const broken = { ...job, sourceSql: "copy public.a to stdout; copy (select 1/(id-100000) from public.a) to stdout" };
    await expect(relayCopy(from, into, broken, counters(), idle())).rejects.toMatchObject({ code: "copy-failed", object: "b" });
    await into.query("rollback");
    expect(await target.query("select count(*)::int as n from a")).toEqual([{ n: 0 }]);
    expect(await from.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("stops at once when interrupted", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await target.query("create table a (id bigint)");
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    const controller = new AbortController();
    const job = { sourceSql: "copy (select generate_series(1, 1000000000)) to stdout", targetSql: "begin; copy public.a from stdin; commit", objects: ["a"] };
    const since = Date.now();
    setTimeout(() => controller.abort(new Error("stop")), 200);
    await expect(relayCopy(from, into, job, counters(), controller.signal)).rejects.toThrow("stop");
    expect(Date.now() - since).toBeLessThan(10_000);
    await into.query("rollback");
    expect(await target.query("select count(*)::int as n from a")).toEqual([{ n: 0 }]);
  });

  it("tells that somebody else cancelled it, which is nothing to be mended", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await target.query("create table a (id bigint)");
    for (const victim of ["source", "target"] as const) {
      await using from = await openSession(source.endpoint("source"));
      await using into = await openSession(target.endpoint("target"));
      const job = { sourceSql: "copy (select generate_series(1, 1000000000)) to stdout", targetSql: "begin; copy public.a from stdin; commit", objects: ["a"] };
      const relay = relayCopy(from, into, job, counters(), idle());
      relay.catch(() => undefined);
      await (victim === "source" ? source : target).query("select pg_sleep(0.2), pg_cancel_backend($1)", [(victim === "source" ? from : into).backendPid]);
      await expect(relay).rejects.toMatchObject({ code: "query-cancelled", retry: "automatic", message: expect.stringContaining(victim) as unknown });
      await into.query("rollback");
    }
  });

  it("reports a connection that breaks", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(NEWEST);
    await target.query("create table a (id bigint)");
    for (const victim of ["source", "target"] as const) {
      await using from = await openSession(source.endpoint("source"));
      await using into = await openSession(target.endpoint("target"));
      const job = { sourceSql: "copy (select generate_series(1, 1000000000)) to stdout", targetSql: "begin; copy public.a from stdin; commit", objects: ["a"] };
      const relay = relayCopy(from, into, job, counters(), idle());
      const pid = victim === "source" ? from.backendPid : into.backendPid;
      setTimeout(() => void (victim === "source" ? source : target).query("select pg_terminate_backend($1)", [pid]), 200);
      await expect(relay).rejects.toMatchObject({ code: "connection-lost" });
    }
  });
});
