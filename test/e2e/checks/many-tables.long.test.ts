import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { runChecks } from "../../kit/checks.ts";

const TABLES = 20_000;
const MOST_SECONDS = 20;
/** Room for a lock on every table, as the check "structure-limits" asks for. */
const SETTINGS = { wal_level: "logical", max_locks_per_transaction: 1024, shared_buffers: "512MB", autovacuum: "off", synchronous_commit: "off" };

// What moves to another major is compared with its rules, and rehearsed.
it.each([18, 17] as const)(`looks at ${TABLES} tables of PostgreSQL %i within ${MOST_SECONDS} s, and reads none of them`, { timeout: 600_000 }, async (major) => {
  await using source = await startServer({ major, settings: SETTINGS });
  await using target = await startServer({ major: 18, settings: SETTINGS });
  const from = parseEndpoint("source", source.uri());
  await using session = await openSession(from);
  for (let made = 0; made < TABLES; made += 2000) {
    await session.query(`do $$ begin for n in ${made} .. ${made + 1999} loop
      execute format('create table public.t%s (id int primary key, name text, at timestamptz default now())', n);
      execute format('insert into public.t%s values (1, ''row'')', n); end loop; end $$`);
  }
  for (const catalog of ["pg_class", "pg_attribute", "pg_depend", "pg_index"]) await session.query(`vacuum analyze pg_catalog.${catalog}`);
  await session.query("select pg_stat_reset()");
  const began = performance.now();
  const items = await runChecks(from, parseEndpoint("target", target.uri()), { type: "full+incremental" });
  const seconds = (performance.now() - began) / 1000;
  console.log(`planning and all checks: ${seconds.toFixed(1)} s`);
  expect(items.filter(({ result }) => result !== "passed")).toEqual([]);
  // Counters of other sessions are there when these have ended.
  await session.query("select pg_sleep(2)");
  expect(await session.query("select sum(seq_scan)::int as scans, sum(seq_tup_read)::int as rows from pg_stat_user_tables")).toEqual([{ scans: 0, rows: 0 }]);
  expect(seconds).toBeLessThan(MOST_SECONDS);
});
