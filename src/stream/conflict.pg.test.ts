import { describe, expect, it } from "vitest";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type TestStream, openTestStream } from "../../test/kit/stream.ts";
import { openSession } from "../wire/session.ts";
import { readConflicts, readCounters } from "./position.ts";

const DDL = `create table public.t (id int primary key, u int unique, v text); create table public.w (a int, b text); alter table public.w replica identity full`;
const ROWS = "insert into public.t select i, i, 'v' from generate_series(1, 1200) i; insert into public.w values (1, 'x'), (2, 'y')";

/** A stream whose target is not what the source believes: rows 2 and 3 are gone, 5000 is there, another row has u = 6000; and what happens then. */
async function openDisturbed(major: Parameters<typeof openTestStream>[0]): Promise<TestStream> {
  const stream = await openTestStream(major, `${DDL}; ${ROWS}`);
  await stream.target.query(
    "delete from public.t where id in (2, 3); insert into public.t values (5000, 5000, 'theirs'), (7000, 6000, 'theirs'); delete from public.w where a = 1",
  );
  await stream.source.query("update public.t set v = 'w'");
  await stream.source.query("delete from public.t where id = 3; insert into public.t values (5000, 5001, 'ours'), (6000, 6000, 'ours'); update public.w set b = 'z'");
  return stream;
}

async function conflicts(stream: TestStream): Promise<object[]> {
  await using session = await openSession(stream.target.endpoint("target"));
  const found = await readConflicts(session, stream.slot, 100);
  return found.map(({ name, kind, found, action, key }) => ({ name, kind, found, action, key })).reverse();
}

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("stops at a row that is not there, applies nothing, and records its key; goes on when it is back", async () => {
    await using stream = await openDisturbed(major);
    const refused = await stream.sync({ peek: true }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "row-missing", object: "public.t" });
    expect(String(refused)).not.toContain("2");
    expect(await stream.target.query("select id from public.t where v = 'w'")).toEqual([]);
    await expect(stream.sync({ peek: true })).rejects.toMatchObject({ code: "row-missing" });
    expect(await conflicts(stream)).toEqual([{ name: "t", kind: "update", found: "row-missing", action: "stopped", key: { id: "2" } }]);
    await stream.target.query("insert into public.t values (2, 2, 'v'), (3, 3, 'v'); delete from public.t where id > 4000; insert into public.w values (1, 'x')");
    await stream.sync();
    for (const table of ["public.t", "public.w"]) {
      const both = await stream.rows(table);
      expect(both.target).toEqual(both.source);
    }
  });

  it("skips what does not fit, and counts and lists it", async () => {
    await using stream = await openDisturbed(major);
    await stream.sync({ policy: "skip" });
    expect(await conflicts(stream)).toEqual([
      { name: "t", kind: "update", found: "row-missing", action: "skipped", key: { id: "2" } },
      { name: "t", kind: "update", found: "row-missing", action: "skipped", key: { id: "3" } },
      { name: "t", kind: "delete", found: "row-missing", action: "skipped", key: { id: "3" } },
      { name: "t", kind: "insert", found: "row-exists", action: "skipped", key: { id: "5000" } },
      { name: "t", kind: "insert", found: "row-exists", action: "skipped", key: { id: "6000" } },
      { name: "w", kind: "update", found: "row-missing", action: "skipped", key: { a: "1", b: "x" } },
    ]);
    expect(await stream.target.query("select id, v from public.t where id in (1, 2, 3, 4) or id >= 5000 order by id")).toEqual([
      { id: 1, v: "w" },
      { id: 4, v: "w" },
      { id: 5000, v: "theirs" },
      { id: 7000, v: "theirs" },
    ]);
    await using session = await openSession(stream.target.endpoint("target"));
    expect(await readCounters(session, stream.slot)).toEqual([
      { schema: "public", name: "t", received: [2, 1200, 1, 0], applied: [0, 1198, 0, 0], skipped: [2, 2, 1, 0] },
      { schema: "public", name: "w", received: [0, 2, 0, 0], applied: [0, 1, 0, 0], skipped: [0, 1, 0, 0] },
    ]);
  });

  it("overwrites: the source's rows take the place of what is in their way", async () => {
    await using stream = await openDisturbed(major);
    await stream.sync({ policy: "overwrite" });
    for (const table of ["public.t", "public.w"]) {
      const both = await stream.rows(table);
      expect(both.target).toEqual(both.source);
    }
    expect(await conflicts(stream)).toMatchObject([
      { kind: "update", action: "overwritten", key: { id: "2" } },
      { kind: "update", action: "overwritten", key: { id: "3" } },
      { kind: "insert", action: "overwritten", key: { id: "5000" } },
      { kind: "insert", action: "overwritten", key: { id: "6000" } },
      { name: "w", action: "overwritten" },
    ]);
  });

  it("overwrites in a partition that is reached through its root, by the partition's own index", async () => {
    // h1 has its columns in another order, and both have an index that the root has not: a row of h2 with the same u is in nobody's way.
    await using stream = await openTestStream(
      major,
      `create table public.h (k int, u int, v text) partition by list (k); create table public.h1 (v text, u int unique, gone int, k int primary key);
       alter table public.h1 drop gone; alter table public.h attach partition public.h1 for values in (1, 2); create table public.h2 partition of public.h (primary key (k)) for values in (3)`,
    );
    const routes = new Map(["h1", "h2"].map((name) => [`"public"."${name}"`, { schema: "public", name: "h" }]));
    await stream.target.query("insert into public.h values (1, 10, 'theirs'), (2, 20, 'theirs'), (3, 20, 'theirs')");
    await stream.source.query("insert into public.h values (1, 20, 'ours')");
    await expect(stream.sync({ peek: true, routes })).rejects.toMatchObject({ code: "row-exists" });
    await stream.sync({ policy: "overwrite", routes });
    expect(await stream.target.query("select k, u, v from public.h order by k")).toEqual([
      { k: 1, u: 20, v: "ours" },
      { k: 3, u: 20, v: "theirs" },
    ]);
    expect((await conflicts(stream)).at(-1)).toEqual({ name: "h1", kind: "insert", found: "row-exists", action: "overwritten", key: { k: "1" } });
  });

  it("does not apply to more rows than there should be", async () => {
    await using stream = await openTestStream(major, DDL, DDL.replace("id int primary key", "id int"));
    await stream.target.query("insert into public.t values (1, 1, 'a'), (1, 2, 'b')");
    await stream.source.query("insert into public.t values (1, 3, 'c')");
    await stream.sync();
    await stream.source.query("update public.t set v = 'x'");
    await expect(stream.sync()).rejects.toMatchObject({ code: "row-exists" });
    expect(await stream.target.query("select v from public.t order by v")).toEqual([{ v: "a" }, { v: "b" }, { v: "c" }]);
  });
});
