import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { runChecks, taskOptions } from "../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { planDatabase } from "../task/plan-database.ts";
import { shortMemory } from "../task/task-memory.ts";
import { openSession } from "../wire/session.ts";
import type { Check } from "./check.ts";
import { passed } from "./check.ts";
import { runPrechecks } from "./run-prechecks.ts";

/** What every second database looks like: two schemas, keys, a view, a function, an extension, a grant, a policy the owner is not subject to. */
const ORDINARY = `
  create schema shop;
  create extension hstore;
  create table shop.customer (id serial primary key, name text not null unique, tags hstore);
  create table shop.orders (id bigserial primary key, customer_id int references shop.customer, at timestamptz default now(), amount numeric(12, 2) check (amount > 0));
  create index on shop.orders (at);
  create view shop.recent as select * from shop.orders where at > now() - interval '1 day';
  create materialized view shop.totals as select customer_id, sum(amount) from shop.orders group by 1;
  create function shop.total(c int) returns numeric language sql stable as 'select sum(amount) from shop.orders where customer_id = c';
  create type shop.state as enum ('new', 'done');
  create table public.note (body text, state shop.state);
  comment on table public.note is 'n';
  alter table public.note enable row level security;
  grant select on shop.orders to public;
  insert into shop.customer (name) select 'c' || n from generate_series(1, 100) n;
  select lo_create(0);`;

const PAIRS = TEST_MAJORS.flatMap((source) => TEST_MAJORS.filter((target) => target >= source).map((target) => [source, target] as const));

describe("an ordinary database raises no alarm", () => {
  it.each(PAIRS)("from %i to %i", async (from, to) => {
    const source = await createDatabase(from);
    const target = await createDatabase(to);
    await source.query(ORDINARY);
    const items = await runChecks(source.endpoint("source"), target.endpoint("target"));
    expect(items.filter((item) => item.result !== "passed")).toEqual([]);
    expect(new Set(items.map((item) => item.id)).size).toBeGreaterThan(9);
  });

  it("with its own role, which moves", async () => {
    const [from, to] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
    const source = await createDatabase(from);
    const target = await createDatabase(to);
    const role = `ordinary_${process.pid}`;
    await source.query(`${ORDINARY}; create role ${role} login; alter table shop.orders owner to ${role}`);
    try {
      const items = await runChecks(source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "role", pattern: role }] });
      expect(items.filter((item) => item.result !== "passed")).toEqual([]);
    } finally {
      await source.query(`alter table shop.orders owner to postgres; drop role ${role}`);
    }
  });
});

describe("runPrechecks", () => {
  it("answers in the order of the table, and turns what cannot finish into an alarm", async () => {
    const major = TEST_MAJORS[0]!;
    const database = await createDatabase(major);
    await using source = await openSession(database.endpoint("source"));
    await using target = await openSession(database.endpoint("target"));
    const context = {
      options: taskOptions(database.endpoint("source"), database.endpoint("target")),
      source,
      target,
      databases: [],
      unreachable: { source: [], target: [] },
      roles: [],
      newDatabases: [],
      task: shortMemory(),
    };
    const check = (id: string, run: Check["run"]): Check => ({ id, title: id, about: "", run });
    const checks = [
      check("slow", async ({ source: server }) => {
        await server.query("select pg_sleep(30)");
        return [];
      }),
      check("stuck", async () => await sleep(60_000, [], { ref: false })),
      check("quick", async () => [passed({ id: "quick", title: "quick" }, "target")]),
      { ...check("absent", async () => [passed({ id: "absent", title: "absent" }, "target")]), appliesTo: () => false },
    ];
    const items = await runPrechecks(context, new AbortController().signal, checks, 400);
    expect(items.map(({ id, result }) => [id, result])).toEqual([["slow", "alarm"], ["stuck", "alarm"], ["quick", "passed"]]); // prettier-ignore
    expect(items[1]?.evidence[0]).toContain("not finished within");
    await onServer(major, async (admin) => {
      const { rows } = await admin.query("select query from pg_stat_activity where datname = $1 and state = 'active'", [database.name]);
      expect(rows).toEqual([]);
    });
  });

  it("names the table and who holds it, where somebody's lock is in the way of a check; the others go on", async () => {
    const major = TEST_MAJORS[0]!;
    const [database, other] = [await createDatabase(major), await createDatabase(major)];
    await database.query("create table held (a int); create table free (a int)");
    const [holder] = await database.query<{ pid: number }>("select pg_backend_pid() as pid");
    const ends = [database.endpoint("source"), other.endpoint("target")] as const;
    await using source = await openSession(ends[0]);
    await using target = await openSession(ends[1]);
    await using plan = await planDatabase(
      { source: ends[0], target: ends[1], createTarget: false, targetVersionNum: target.versionNum },
      taskOptions(...ends),
      new AbortController().signal,
    );
    const check = (id: string, table: string): Check => ({
      id,
      title: id,
      about: "",
      run: async ({ databases }) => {
        await databases[0]!.source.query(`select pg_catalog.pg_relation_size('public.${table}')`);
        return [passed({ id, title: id }, "source")];
      },
    });
    await database.query("begin; lock table held in access exclusive mode");
    const context = {
      options: taskOptions(...ends),
      source,
      target,
      databases: [{ plan }],
      unreachable: { source: [], target: [] },
      roles: [],
      newDatabases: [],
      task: shortMemory(),
    };
    const items = await runPrechecks(context, new AbortController().signal, [check("stuck", "held"), check("quick", "free")], 3000);
    expect(items).toMatchObject([
      {
        id: "stuck",
        result: "alarm",
        evidence: [
          expect.stringContaining("lock timeout"),
          expect.stringMatching(new RegExp(`^source \\S+: public\\.held is locked: process ${holder!.pid} \\(postgres, test, idle in transaction for \\d+ s\\) holds it$`)),
        ],
      },
      { id: "quick", result: "passed" },
    ]);
    await database.query("rollback");
  });
});
