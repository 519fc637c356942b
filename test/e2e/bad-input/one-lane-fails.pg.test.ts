import { expect, it } from "vitest";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

it("when one table fails, the others are not waited for", async () => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  // On the target each row of "slow" takes ten seconds, and no row of "refused" is accepted: its check knows the database.
  await source.query(`
    create function patient(text) returns bool language sql as 'select true';
    create domain slow_text as text check (public.patient(value));
    create table slow (id int, body slow_text); alter table slow alter column body set storage external;
    insert into slow select n, repeat('x', 1000000) from generate_series(1, 12) n;
    create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(10); return true; end';
    create function at_home(int) returns bool language sql as $$select pg_catalog.current_database() = '${source.name}'$$;
    create domain homely as int check (public.at_home(value));
    create table refused (a homely); insert into refused values (4711)`);
  const since = performance.now();
  const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri], { timeLimitMs: 60_000 });
  expectFailure(result, { exit: 3, says: ["copy-failed", "writing public.refused", "violates check constraint", "holds part of the migration"], secrets: ["4711"] });
  expect(performance.now() - since).toBeLessThan(9000);
});
