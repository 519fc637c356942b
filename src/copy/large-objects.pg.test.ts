import { describe, expect, it } from "vitest";
import { createDatabase, onServer, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import type { Major } from "../embedded/binaries.ts";
import { openSession } from "../wire/session.ts";
import { copyLargeObjects, type LargeObjectOptions } from "./large-objects.ts";

const OLDEST = TEST_MAJORS[0]!;
const NEWEST = TEST_MAJORS.at(-1)!;
const MIDDLE = TEST_MAJORS[Math.floor(TEST_MAJORS.length / 2)]!;
const PAIRS: readonly (readonly [Major, Major])[] = [
  [OLDEST, NEWEST],
  [NEWEST, OLDEST],
  [MIDDLE, MIDDLE],
];

const PLAIN: LargeObjectOptions = { noOwner: false, noPrivileges: false };
/** Roles are global on the shared servers: made once, under names that only this file uses. */
const ROLES = ["lo test owner", "lo test reader", "lo test stranger"];

const CONTENT = `
  select lo_create(1001);
  select lo_from_bytea(1002, 'short');
  select lo_from_bytea(1003, decode(repeat('00ff10', 1048576), 'hex'));
  select lo_from_bytea(1004, 'a'), lo_put(1004, 5000000000, 'far away');
  select lo_from_bytea(1005, 'abc');
  select lo_truncate64(lo_open(1005, 131072), 3000000);
  select lo_from_bytea(1006, 'abc');
  select lo_truncate64(lo_open(1006, 131072), 1048576);
  select lo_create(1007), lo_put(1007, 4096, 'behind a hole'), lo_put(1007, 100, 'in it');
  select lo_create(1008);
  select lo_truncate(lo_open(1008, 131072), 2048);
  select lo_from_bytea(4294967295, 'the last oid');
  select count(lo_from_bytea((20000 + n)::oid, convert_to(repeat(n::text, n % 700), 'UTF8'))::text) from generate_series(1, 2000) n;
  alter large object 1002 owner to "lo test owner";
  grant select on large object 1002 to "lo test reader" with grant option;
  set role "lo test reader";
  grant select on large object 1002 to "lo test stranger";
  reset role;
  alter large object 1003 owner to "lo test owner";
  revoke update on large object 1003 from "lo test owner";
  grant select on large object 1003 to public;
  alter large object 1005 owner to "lo test owner";
  revoke all on large object 1005 from "lo test owner";
  comment on large object 1002 is 'it''s a \\ "comment"';
  comment on large object 20001 is 'Größe';`;

describe.each(PAIRS)("large objects from PostgreSQL %i to %i", (from, to) => {
  it("arrive with content, length, owner, rights and comment", async () => {
    await createRoles(from, to);
    const source = await createDatabase(from);
    const target = await createDatabase(to);
    await source.query(CONTENT);
    const seen: [number, number][] = [];
    const result = await copy(source, target, { ...PLAIN, onProgress: (bytes, count) => seen.push([bytes, count]) });
    expect(result.count).toBe(2009);
    expect(seen.at(-1)).toEqual([result.bytes, 2009]);
    await expectEqual(source, target);
  });

  it("arrive the same for an account that may read the objects but not pg_largeobject", async () => {
    await createRoles(from, to);
    const source = await createDatabase(from);
    const target = await createDatabase(to);
    await source.query(CONTENT);
    // 4 GB of hole are a matter of the other way: here they would be read megabyte by megabyte.
    await source.query("select lo_unlink(1004)");
    await source.query(
      "do $$ declare o oid; begin for o in select oid from pg_largeobject_metadata loop execute format('grant select on large object %s to \"lo test stranger\"', o); end loop; end $$",
    );
    expect(await copy(source, target, PLAIN, "lo test stranger")).toMatchObject({ count: 2008 });
    await expectEqual(source, target);
  });
});

describe("large objects", () => {
  it("stop before anything is written when the account may not read some of them, naming these", async () => {
    await createRoles(OLDEST, NEWEST);
    const source = await createDatabase(OLDEST);
    const target = await createDatabase(NEWEST);
    await source.query(`select lo_from_bytea(n::oid, 'x') from generate_series(1, 3) n; grant select on large object 2 to "lo test stranger"`);
    await expect(copy(source, target, PLAIN, "lo test stranger")).rejects.toMatchObject({ code: "privilege-missing", object: "large object 1, 3" });
    expect(await target.query("select oid from pg_largeobject_metadata")).toEqual([]);
  });

  it("stop before anything is written when the target has some of the numbers", async () => {
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    await source.query("select lo_from_bytea(n::oid, 'x') from generate_series(1, 3) n");
    await target.query("select lo_from_bytea(2, 'mine'), lo_from_bytea(7, 'mine')");
    await expect(copy(source, target, PLAIN)).rejects.toMatchObject({ code: "copy-failed", object: "large object 2" });
    expect(await target.query("select oid::int from pg_largeobject_metadata order by 1")).toEqual([{ oid: 2 }, { oid: 7 }]);
  });

  it("belong to the account without owners, and keep the built-in rights without privileges", async () => {
    await createRoles(NEWEST, NEWEST);
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    await source.query(CONTENT);
    await copy(source, target, { noOwner: true, noPrivileges: true });
    expect(await target.query("select distinct lomowner::regrole::text as owner, lomacl from pg_largeobject_metadata")).toEqual([{ owner: "postgres", lomacl: null }]);
  });

  it("of more than one batch keep every page", async () => {
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    // 80 MB: the second batch begins inside of the second object.
    await source.query(
      "select lo_from_bytea(1, decode(repeat('0123456789abcdef', 2500000), 'hex')), lo_from_bytea(2, convert_to(repeat('fedcba98', 7500000), 'UTF8')), lo_from_bytea(3, 'end')",
    );
    const seen: [number, number][] = [];
    expect(await copy(source, target, { ...PLAIN, onProgress: (bytes, count) => seen.push([bytes, count]) })).toEqual({ count: 3, bytes: 80_000_003 });
    expect(seen).toEqual([
      [67_108_096, 2],
      [80_000_003, 3],
      [80_000_003, 3],
    ]);
    await expectEqual(source, target);
  });

  it("stop when they are told to", async () => {
    const source = await createDatabase(NEWEST);
    const target = await createDatabase(NEWEST);
    await source.query("select lo_from_bytea(1, 'x')");
    await expect(copy(source, target, PLAIN, undefined, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  });
});

async function createRoles(...majors: readonly Major[]): Promise<void> {
  for (const major of new Set(majors)) {
    await onServer(major, async (admin) => {
      for (const role of ROLES) {
        const { rows } = await admin.query("select from pg_roles where rolname = $1", [role]);
        if (rows.length === 0) await admin.query(`create role "${role}" login password 'secret'`);
      }
    });
  }
}

async function copy(
  source: TestDatabase,
  target: TestDatabase,
  options: LargeObjectOptions,
  user?: string,
  signal = new AbortController().signal,
): Promise<{ count: number; bytes: number }> {
  const endpoint = source.endpoint("source");
  await using from = await openSession(user === undefined ? endpoint : { ...endpoint, user, password: "secret" });
  await using into = await openSession(target.endpoint("target"));
  await from.query("begin transaction isolation level repeatable read read only");
  return await copyLargeObjects(from, into, options, signal);
}

async function expectEqual(source: TestDatabase, target: TestDatabase): Promise<void> {
  const objects = `select m.oid::text as oid, pg_get_userbyid(m.lomowner) as owner, m.lomacl::text as acl, obj_description(m.oid, 'pg_largeobject') as comment,
      (select max(pageno::bigint * 2048 + length(data)) from pg_largeobject where loid = m.oid)::text as size,
      case when m.oid <> 1004 then md5(lo_get(m.oid)) else md5(lo_get(m.oid, 0, 4096)) || md5(lo_get(m.oid, 4999999000, 4096)) end as digest
    from pg_largeobject_metadata m order by m.oid`;
  // An object without pages and one whose only page is empty are the same.
  const read = async (database: TestDatabase): Promise<object[]> => (await database.query<{ size: string | null }>(objects)).map((row) => ({ ...row, size: row.size ?? "0" }));
  expect(await read(target)).toEqual(await read(source));
}
