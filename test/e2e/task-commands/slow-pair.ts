import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

export interface Pair {
  readonly source: TestDatabase;
  readonly target: TestDatabase;
  /** --source and --target of this pair. */
  readonly uris: readonly string[];
}

const TABLES = 6;
/** Of 200 kB each: two tables are too much for one chunk. */
const ROWS = 25;

/** Six tables whose copy takes a while (`secondsPerTable`): each row is held up by a domain's check on the target. */
export async function slowPair(secondsPerTable = 1): Promise<Pair> {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query(`create function patient(text) returns bool language sql as 'select true'; create domain slow as text check (public.patient(value));
    do $$ begin for n in 1..${TABLES} loop execute format('create table t%s (id int primary key, body slow); alter table t%s alter body set storage external;
        insert into t%s select i, repeat(''x'', 200000) from generate_series(1, ${ROWS}) i', n, n, n);
      execute format('create index on t%s (length(body))', n); end loop; end $$;
    create table small (id int primary key); insert into small select generate_series(1, 1000); create sequence s; select nextval('s') from generate_series(1, 7);
    create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(${secondsPerTable / ROWS}); return true; end'`);
  return { source, target, uris: ["--source", source.uri, "--target", target.uri] };
}
