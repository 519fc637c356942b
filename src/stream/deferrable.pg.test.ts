import { describe, expect, it, vi } from "vitest";
import { onServer } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type TestStream, openTestStream } from "../../test/kit/stream.ts";
import { withDatabase } from "../wire/endpoint.ts";
import { Pipeline } from "../wire/pipeline.ts";
import { openSession } from "../wire/session.ts";
import { openApplier } from "./applier.ts";
import { NeedsText } from "./binary-types.ts";
import { Intake } from "./intake.ts";
import { TableStatements } from "./table-statements.ts";
import { readConflicts } from "./position.ts";

interface Case {
  readonly ddl: string;
  /** The target's tables, where they look otherwise. */
  readonly targetDdl?: string;
  /** What somebody writes to the target, and takes back. */
  readonly theirs: string;
  readonly away: string;
  /** What the source writes, that collides with it; and what collides with nothing. */
  readonly ours: string;
  readonly harmless: string;
  readonly key: Readonly<Record<string, string | null>>;
  readonly since?: number;
  readonly routes?: readonly string[];
}

const OTHER = "create table public.other (id int primary key, v text)";

const UNIQUE: Case = {
  ddl: "create table public.d (id int primary key, u int constraint c unique deferrable)",
  theirs: "insert into public.d values (9, 5)",
  away: "delete from public.d where id = 9",
  ours: "insert into public.d values (1, 4); update public.d set u = 5 where id = 1",
  harmless: "insert into public.d values (2, 6), (3, null), (4, null)",
  key: { id: "1" },
};

const CASES: Readonly<Record<string, Case>> = {
  "a unique constraint": UNIQUE,
  "a primary key, which tells rows from each other": {
    ddl: `create table public.d (id int constraint c primary key deferrable initially deferred, v text); alter table public.d replica identity full`,
    theirs: "insert into public.d values (9, 'theirs')",
    away: "delete from public.d where v = 'theirs'",
    ours: "insert into public.d values (1, 'a'); update public.d set id = 9 where id = 1",
    harmless: "insert into public.d values (2, 'ours')",
    key: { id: "1", v: "a" },
  },
  "an exclusion constraint": {
    ddl: "create table public.d (id int primary key, r int4range, constraint c exclude using gist (r with &&) deferrable)",
    theirs: "insert into public.d values (9, '[5,8)')",
    away: "delete from public.d where id = 9",
    ours: "insert into public.d select i, int4range(3 * i, 3 * i + 3) from generate_series(1, 5) i",
    harmless: "insert into public.d values (20, '[1,3)'), (21, null), (22, 'empty'), (23, 'empty')",
    key: { id: "1" },
  },
  "an exclusion constraint over an expression, of some rows, in another collation": {
    ddl: `create table public.d (id int primary key, "A b" text, n int, constraint c exclude ((lower("A b")) collate "C" with =, n with =) where (n > 0) deferrable)`,
    theirs: "insert into public.d values (8, 'X', 0), (9, 'X', 1)",
    away: "delete from public.d where id in (8, 9)",
    ours: "insert into public.d values (1, 'x', 1)",
    harmless: "insert into public.d values (2, 'x', 0), (3, 'x', 2)",
    key: { id: "1" },
  },
  "an exclusion constraint by which no row collides with itself, of a table without key": {
    ddl: "create table public.d (a int4range, b int4range, constraint c exclude using gist (a with -|-, b with =) deferrable); alter table public.d replica identity full",
    theirs: "insert into public.d values ('[1,2)', '[1,2)')",
    away: "delete from public.d where a = '[1,2)'",
    ours: "insert into public.d values ('[2,3)', '[1,2)')",
    harmless: "insert into public.d values ('[2,3)', '[7,8)'), ('[5,6)', '[1,2)')",
    key: { a: "[2,3)", b: "[1,2)" },
  },
  "an exclusion constraint of which no column is looked for": {
    ddl: "create table public.d (a int4range, constraint c exclude using gist (a with -|-) deferrable); alter table public.d replica identity full",
    theirs: "insert into public.d values ('[1,2)')",
    away: "delete from public.d where a = '[1,2)'",
    ours: "insert into public.d values ('[2,3)')",
    harmless: "insert into public.d values ('[5,6)'), ('[5,6)')",
    key: {},
  },
  "a unique constraint over a generated column": {
    since: 12,
    ddl: "create table public.d (id int primary key, a int, g int generated always as (a % 10) stored constraint c unique deferrable)",
    theirs: "insert into public.d values (9, 5)",
    away: "delete from public.d where id = 9",
    ours: "insert into public.d values (1, 15)",
    harmless: "insert into public.d values (2, 16)",
    key: { id: "1" },
  },
  "NULLs that are alike": {
    since: 15,
    ddl: `create table public.d (id int primary key, a int, b int, constraint c unique nulls not distinct (a, b) deferrable)`,
    theirs: "insert into public.d values (9, 1, null)",
    away: "delete from public.d where id = 9",
    ours: "insert into public.d values (1, 1, null)",
    harmless: "insert into public.d values (2, null, null), (3, null, 1)",
    key: { id: "1" },
  },
  "NULLs that are alike, of a table without key": {
    since: 15,
    ddl: `create table public.d (a int, b int, constraint c unique nulls not distinct (a, b) deferrable); alter table public.d replica identity full`,
    theirs: "insert into public.d values (1, null)",
    away: "delete from public.d where a = 1",
    ours: "insert into public.d values (1, null)",
    harmless: "insert into public.d values (null, null), (null, 1)",
    key: { a: "1", b: null },
  },
  "a key WITHOUT OVERLAPS": {
    since: 18,
    ddl: "create table public.d (r int4range, t int4range, constraint c primary key (r, t without overlaps) deferrable); alter table public.d replica identity full",
    theirs: "insert into public.d values ('[1,2)', '[5,9)')",
    away: "delete from public.d where t = '[5,9)'",
    ours: "insert into public.d values ('[1,2)', '[1,6)')",
    harmless: "insert into public.d values ('[1,2)', '[9,12)'), ('[2,3)', '[1,12)')",
    key: { r: "[1,2)", t: "[1,6)" },
  },
  "partitions whose rows go through the root, which has the constraint": {
    since: 13,
    ddl: `create table public.d (id int, u int, constraint c unique (id, u) deferrable) partition by hash (id);
      create table public.d0 partition of public.d for values with (modulus 2, remainder 0); create table public.d1 partition of public.d for values with (modulus 2, remainder 1);
      alter table public.d0 replica identity full; alter table public.d1 replica identity full`,
    theirs: "insert into public.d values (1, 5)",
    away: "delete from public.d where id = 1 and u = 5",
    ours: "insert into public.d values (1, 5)",
    harmless: "insert into public.d values (1, 6), (2, 5)",
    key: { id: "1", u: "5" },
    routes: ["d0", "d1"],
  },
  "partitions whose rows go through the root, of which one has the constraint": {
    since: 13,
    ddl: `create table public.d (id int primary key, u int) partition by hash (id);
      create table public.d0 partition of public.d for values with (modulus 1, remainder 0)`,
    targetDdl: `create table public.d (id int primary key, u int) partition by hash (id); create table public.l (u int, x int, id int not null);
      alter table public.l drop column x; alter table public.d attach partition public.l for values with (modulus 1, remainder 0);
      alter table public.l add constraint c unique (u) deferrable`,
    theirs: "insert into public.d values (9, 5)",
    away: "delete from public.d where id = 9",
    ours: "insert into public.d values (1, 5)",
    harmless: "insert into public.d values (2, 6)",
    key: { id: "1" },
    routes: ["d0"],
  },
  "a partition under its own name": {
    since: 13,
    ddl: `create table public.d (id int primary key, u int, constraint inherited unique (id, u) deferrable) partition by range (id);
      create table public.d0 (id int not null, u int constraint c unique deferrable); alter table public.d attach partition public.d0 for values from (0) to (100)`,
    theirs: "insert into public.d values (9, 5)",
    away: "delete from public.d where id = 9",
    ours: "insert into public.d values (1, 5)",
    harmless: "insert into public.d values (2, 6)",
    key: { id: "1" },
  },
};

function routesOf({ routes = [] }: Case) {
  return new Map(routes.map((name) => [`"public"."${name}"`, { schema: "public", name: "d" }]));
}

async function open(major: Parameters<typeof openTestStream>[0], of: Case): Promise<TestStream> {
  return await openTestStream(major, `${of.ddl}; ${OTHER}`, `${of.targetDdl ?? of.ddl}; ${OTHER}`);
}

async function stops(stream: TestStream): Promise<object[]> {
  await using session = await openSession(stream.target.endpoint("target"));
  return (await readConflicts(session, stream.slot, 100)).map(({ found, action, key }) => ({ found, action, key }));
}

async function expectEqual(stream: TestStream, ...tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const both = await stream.rows(table);
    expect(both.target).toEqual(both.source);
  }
}

const written = vi.spyOn(Pipeline.prototype, "hold");
const anywhere = vi.spyOn(TableStatements.prototype, "collidingAnywhere");

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  const cases = Object.entries(CASES).filter(([, { since = 0 }]) => major >= since);

  it.each(cases)("stops where rows collide by %s, applies nothing, and records it; goes on when the other row is gone", async (_, of) => {
    await using stream = await open(major, of);
    const routes = routesOf(of);
    await stream.target.query(of.theirs);
    await stream.source.query(of.harmless);
    await stream.sync({ routes });
    await stream.source.query(of.ours);
    await stream.source.query("insert into public.other values (1, 'x')");
    const before = await stream.rows("public.d");
    const refused = await stream.sync({ routes, peek: true }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "row-exists" });
    expect(String(refused)).toContain(`(constraint c)`);
    expect((await stream.rows("public.d")).target).toEqual(before.target);
    expect(await stream.target.query("select from public.other")).toEqual([]);
    expect(await stops(stream)).toEqual([{ found: "row-exists", action: "stopped", key: of.key }]);
    await stream.target.query(of.away);
    await stream.sync({ routes });
    await expectEqual(stream, "public.d", "public.other");
  });

  it.each(["skip", "overwrite"] as const)("stops under %s, too: what collides by a late constraint is no single change", async (policy) => {
    await using stream = await open(major, UNIQUE);
    await stream.target.query(UNIQUE.theirs);
    await stream.source.query(UNIQUE.ours);
    await expect(stream.sync({ policy, peek: true })).rejects.toMatchObject({ code: "row-exists", object: "public.d" });
    expect(await stops(stream)).toEqual([{ found: "row-exists", action: "stopped", key: UNIQUE.key }]);
    await stream.target.query(UNIQUE.away);
    await stream.sync({ policy });
    await expectEqual(stream, "public.d");
  });

  it.each(["merged", "in order"])("finds at the end of a transaction of many parts what collided in its first, %s", async (how) => {
    await using stream = await open(major, UNIQUE);
    await stream.target.query(UNIQUE.theirs);
    await stream.source.query(`begin; ${UNIQUE.ours}; insert into public.other select i, repeat('x', 200) from generate_series(1, 500) i; commit`);
    // Of these one part's changes are applied one by one.
    if (how === "in order") await stream.target.query("insert into public.other values (1, 'theirs')");
    const refused = await stream.sync({ peek: true, batchBytes: 20_000, policy: "skip" }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "row-exists", object: "public.d" });
    expect(String(refused)).toContain("(constraint c)");
    expect(await stream.target.query("select id from public.d union all select id from public.other where id > 1")).toEqual([{ id: 9 }]);
    expect(await stops(stream)).toEqual([{ found: "row-exists", action: "stopped", key: {} }]);
    await stream.target.query(UNIQUE.away);
    await stream.target.query("delete from public.other");
    await stream.sync({ batchBytes: 20_000 });
    await expectEqual(stream, "public.d", "public.other");
  });

  it("lets keys go from row to row within a transaction of many parts, and within a batch of many transactions", async () => {
    const ddl = `create table public.d (id int primary key, u int unique deferrable initially deferred, r int4range, exclude using gist (r with &&) deferrable initially deferred, v text);
      create table public.k (id int primary key deferrable initially deferred, v text); alter table public.k replica identity full`;
    await using stream = await openTestStream(major, ddl);
    await stream.source.query(
      `insert into public.d select i, i, int4range(i, i + 1), repeat('x', 100) from generate_series(1, 1000) i; insert into public.k select i, repeat('x', 100) from generate_series(1, 1000) i`,
    );
    await stream.sync();
    await stream.source.query("begin; update public.d set u = u % 1000 + 1, r = int4range(1001 - id, 1002 - id); update public.k set id = 1001 - id; commit");
    anywhere.mockClear();
    const parts: boolean[] = [];
    await stream.sync({ batchBytes: 20_000, onApplied: ({ position }) => parts.push(position === undefined) });
    expect(parts.filter(Boolean).length).toBeGreaterThan(10);
    expect(anywhere.mock.calls.map(([{ name }]) => name)).toEqual(expect.arrayContaining(["d_u_key", "d_r_excl", "k_pkey"]));
    await expectEqual(stream, "public.d", "public.k");
    for (let at = 0; at < 5; at++) await stream.source.query("update public.d set u = u % 1000 + 1, r = int4range(1001 - id, 1002 - id); update public.k set id = 1001 - id");
    await stream.sync();
    await expectEqual(stream, "public.d", "public.k");
  });

  it("looks before the COMMIT of a batch that was written ahead", async () => {
    await using stream = await open(major, UNIQUE);
    await stream.target.query(UNIQUE.theirs);
    for (let at = 0; at < 30; at++) {
      await stream.source.query(`insert into public.d select i, case when i = 2050 then 5 else -i end from generate_series(${100 * at + 100}, ${100 * at + 199}) i`);
    }
    written.mockClear();
    await expect(stream.sync({ peek: true, batchBytes: 16_000 })).rejects.toMatchObject({ code: "row-exists", object: "public.d" });
    const [there] = await stream.target.query<{ n: number }>("select max(id) as n from public.d");
    expect(written.mock.calls.length).toBeGreaterThan(1);
    expect(there!.n % 100).toBe(99);
    expect(there!.n).toBeLessThan(2000);
    await stream.target.query(UNIQUE.away);
    await stream.sync({ batchBytes: 16_000 });
    await expectEqual(stream, "public.d");
  });

  it.runIf(major >= 14)("values in binary format", async () => {
    await using stream = await open(major, UNIQUE);
    await stream.target.query(UNIQUE.theirs);
    await stream.source.query(UNIQUE.harmless);
    await stream.sync({ isBinary: true });
    await stream.source.query(UNIQUE.ours);
    // To describe a conflict takes text.
    await expect(stream.sync({ peek: true, isBinary: true })).rejects.toBeInstanceOf(NeedsText);
    expect(await stream.target.query("select from public.d where id = 1")).toEqual([]);
    await expect(stream.sync({ peek: true })).rejects.toMatchObject({ code: "row-exists", object: "public.d" });
  });

  it("records it also where the account may not set session_replication_role, and the constraint itself acts", async () => {
    await using stream = await open(major, UNIQUE);
    const role = `apply_${stream.target.name}`;
    await onServer(major, async (admin) => await admin.query(`create role ${role} login password 'x'`));
    try {
      await stream.target.query(
        `grant all on all tables in schema public, godwit to ${role}; grant all on schema godwit to ${role}; grant create on database ${stream.target.name} to ${role}`,
      );
      await stream.target.query(UNIQUE.theirs);
      await stream.source.query(UNIQUE.ours);
      const endpoint = { ...withDatabase(stream.target.endpoint("target"), stream.target.name), user: role, password: "x" };
      await using applier = await openApplier(
        endpoint,
        { task: "stream-test", slot: stream.slot, epoch: stream.epoch, start: stream.start, policy: "stop" },
        new AbortController().signal,
      );
      expect(applier.isReplica).toBe(false);
      const intake = new Intake(applier);
      for (const message of await stream.messages()) intake.take(message);
      await expect(intake.idle()).rejects.toMatchObject({ code: "row-exists", object: "public.d" });
      await intake.close();
      expect(await stream.target.query("select action, key from godwit.conflict")).toEqual([{ action: "stopped", key: UNIQUE.key }]);
    } finally {
      await stream.target.query(`drop owned by ${role}`);
      await onServer(major, async (admin) => await admin.query(`drop role ${role}`));
    }
  });
});
