import { expect, it } from "vitest";
import { fillSample, SAMPLE_DATABASE } from "../../../src/demo/sample.ts";
import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { runChecks } from "../../kit/checks.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { sampleFor } from "./older-sample.ts";

/** A well-configured server of today: what its defaults leave out is what logical decoding needs. */
const SETTINGS = { wal_level: "logical", fsync: "off" };

/** What is in every database: keys, references, an index, a view, a function, a trigger, an identity, rights. */
const ORDINARY = `create role app_owner; create role app login; create schema app authorization app_owner; set role app_owner;
  create table app.customers (id bigint generated always as identity primary key, name text not null, mail text unique, at timestamptz not null default now());
  create table app.orders (id serial primary key, customer bigint not null references app.customers, amount numeric(10, 2) check (amount >= 0), state text not null default 'new');
  create index on app.orders (customer);
  create view app.open_orders as select * from app.orders where state = 'new';
  create materialized view app.sums as select customer, sum(amount) from app.orders group by 1;
  create function app.touch() returns trigger language plpgsql as $$ begin new.at := now(); return new; end $$;
  create trigger touch before update on app.customers for each row execute procedure app.touch();
  grant usage on schema app to app; grant select, insert, update, delete on all tables in schema app to app; reset role;
  insert into app.customers (name, mail) select 'customer ' || n, n || '@example.com' from generate_series(1, 100) n;
  insert into app.orders (customer, amount) select n, n from generate_series(1, 100) n`;

it.each(TEST_MAJORS)("PostgreSQL %i: two ordinary servers raise no alarm", { timeout: 120_000 }, async (major) => {
  await using source = await startServer({ major, settings: SETTINGS });
  await using target = await startServer({ major, settings: SETTINGS });
  await using session = await openSession(parseEndpoint("source", source.uri()));
  await session.query(ORDINARY);
  await fillSample(
    source,
    0.02,
    () => undefined,
    new AbortController().signal,
    (script) => sampleFor(major, script),
  );
  for (const type of ["structure", "full", "full+incremental"] as const) {
    for (const database of ["postgres", SAMPLE_DATABASE]) {
      const from = parseEndpoint("source", source.uri(database));
      const items = await runChecks(from, parseEndpoint("target", target.uri()), {
        type,
        // The sample has settings of its own, which move with a database, and not with its content.
        include: [{ kind: "role", pattern: "*" }, ...(database === SAMPLE_DATABASE ? [{ kind: "database" as const, pattern: database }] : [])],
        exclude: [{ kind: "role", pattern: "postgres" }],
      });
      expect(items.filter(({ result }) => result !== "passed")).toEqual([]);
      expect(items.length).toBeGreaterThan(10);
    }
  }
});
