import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect, it } from "vitest";
import { jsonLines, runCli, spawnCli } from "../../kit/spawn-cli.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { verifyTables } from "../../../src/verify/verify.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const newest = TEST_MAJORS.at(-1)!;
/** What passes this gate waits on the target as long as somebody holds its lock. */
const GATE = 4711;

/** Two large tables, one cut by its key, one by ctid (before 14: by its key, but that is no integer); the last rows of both wait at the gate. A small one is what a foreign key refers to. */
const SCHEMA = `
  create function passes(value int) returns bool language plpgsql as $$ begin if value = 1 then perform pg_catalog.pg_advisory_xact_lock_shared(${GATE}); end if; return true; end $$;
  create domain gated as int check (public.passes(value));
  create table parent (id int primary key, note text); insert into parent select i, 'p' from generate_series(1, 100) i;
  create table ranged (id int primary key, parent int references parent, body text, gate gated);
  insert into ranged select 100 * i, i % 100 + 1, repeat(md5(i::text), 4), case when i > 12000 then 1 else 0 end from generate_series(1, 16000) i;
  create table loose (code text primary key, body text, gate gated);
  insert into loose select 'c' || lpad(i::text, 6, '0'), repeat(md5(i::text), 4), case when i > 14000 then 1 else 0 end from generate_series(1, 16000) i;
  analyze`;

/** One step of a workload that touches every range, and moves rows between them. */
function work(n: number): string {
  return `insert into parent values (${1000 + n}, 'new');
    insert into ranged select 100 * i + 1 + ${n}, ${1000 + n}, 'inserted', 0 from generate_series(${n}, 15000, 997) i;
    update ranged set body = 'updated ${n}' where id % 10000 = ${100 * (n + 20)};
    update ranged set id = 100 * (16001 - id / 100) + 50 + ${n} where id % 5000 = ${100 * n};
    delete from ranged where id % 30000 = ${100 * (n + 40)};
    insert into loose values ('new ${n}', 'x', 0); update loose set body = '${n}' where code like 'c00${n}%'; delete from loose where code like 'c01${n}0%'`;
}

it.each([...new Set([TEST_MAJORS[0]!, newest])])(
  "finished chunks stay when worker and source die in the copy, from PostgreSQL %i",
  async (major) => {
    await using server = await startServer({ major });
    const query = async (sql: string): Promise<Record<string, unknown>[]> => {
      const client = new Client({ connectionString: server.uri("postgres") });
      client.on("error", () => undefined);
      await client.connect();
      try {
        const result: unknown = await client.query(sql);
        return ((Array.isArray(result) ? result.at(-1) : result) as { rows: Record<string, unknown>[] }).rows;
      } finally {
        await client.end();
      }
    };
    await query(SCHEMA);
    const target = await createDatabase(newest);
    await target.query("select pg_advisory_lock($1)", [GATE]);
    const directory = newStateDirectory();
    const args = ["migrate", "--type", "full+incremental", "--source", server.uri("postgres"), "--target", target.uri, "--yes", "--json", "--concurrency", "8", "--dir", directory];
    const environment = { GODWIT_PART_BYTES: String(256 * 1024) };

    const first = spawnCli(args, environment);
    const isCopied = async (): Promise<unknown> =>
      await target
        .query(
          "select (select count(distinct xmin::text)::int from ranged) as ranged, (select count(distinct xmin::text)::int from loose) as loose, (select count(*)::int from parent) as parent",
        )
        .catch(() => []);
    await expect
      .poll(isCopied, { timeout: 150_000, interval: 100 })
      .toMatchObject([{ parent: 100, ranged: expect.toSatisfy((n: number) => n >= 3) as number, loose: expect.toSatisfy((n: number) => n >= 3) as number }]);
    for (let n = 0; n < 3; n++) await query(work(n));
    await sleep(300);
    const [before] = await target.query<{ xmins: string[] }>("select array_agg(distinct xmin::text) as xmins from ranged");
    first.process.kill("SIGKILL");
    await first.finished;
    await server.restart("immediate");
    for (let n = 3; n < 6; n++) await query(work(n));

    const second = spawnCli(args, environment);
    await second.saw("chunks stay");
    for (let n = 6; n < 8; n++) await query(work(n));
    await target.query("select pg_advisory_unlock($1)", [GATE]);
    await second.saw('"step":"sync"');
    for (let n = 8; n < 9; n++) await query(work(n));
    const [task] = jsonLines((await runCli(["task", "list", "--json", "--dir", directory])).stdout);
    expect((await runCli(["task", "complete", String(task?.["id"]), "--json", "--dir", directory])).code).toBe(0);
    const { code, stdout } = await second.finished;
    expect(code, stdout).toBe(0);

    const notice = jsonLines(stdout).find(({ message }) => String(message).includes("chunks stay"));
    expect(notice?.["message"]).toMatch(/; \d+ of \d+ chunks stay.*1 tables are emptied.*public\.loose/);
    // Rows that nobody touched are those that the first run wrote.
    const [untouched] = await target.query<{ n: number }>("select count(*)::int as n from ranged where xmin::text = any($1)", [before!.xmins]);
    expect(untouched!.n).toBeGreaterThan(5000);
    const pairs = ["parent", "ranged", "loose"].map((name) => ({ schema: "public", name, bytes: 0, withPartitions: false }));
    const source = parseEndpoint("source", server.uri("postgres"));
    expect(await verifyTables(source, target.endpoint("target"), pairs, { concurrency: 1, signal: new AbortController().signal })).toMatchObject({ tables: 3, differences: [] });
    expect(await target.query("select conname from pg_constraint where contype = 'f' and convalidated")).toHaveLength(1);
    expect(await query("select slot_name from pg_replication_slots")).toEqual([]);
  },
  300_000,
);
