import { expect, it } from "vitest";
import { newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { asAccount, createAccount, taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const pairs = [[oldest, oldest], [oldest, newest], [newest, newest]] as const; // prettier-ignore

/** What the checks let pass must then work: neither account is a superuser, and each has what the checks ask for and no more. */
it.each(pairs)("accounts without superuser move a database, from %i to %i", async (from, to) => {
  await createAccount(from, "plain_reader");
  await createAccount(to, "plain_writer");
  for (const major of new Set([from, to])) await createAccount(major, "plain_owner", "nologin");
  const [source, target] = [await createDatabase(from), await createDatabase(to)];
  await source.query(`
    create schema shop authorization plain_owner;
    create table shop.customer (id serial primary key, name text not null);
    create table shop.orders (id bigserial primary key, customer_id int references shop.customer, note text);
    alter table shop.customer owner to plain_owner; alter table shop.orders owner to plain_owner;
    insert into shop.customer (name) select 'c' || n from generate_series(1, 500) n;
    insert into shop.orders (customer_id, note) select n, repeat('x', 3000) from generate_series(1, 500) n;
    create index on shop.orders (customer_id);
    create materialized view shop.totals as select customer_id, count(*) from shop.orders group by 1; alter materialized view shop.totals owner to plain_owner;
    create function shop.f() returns int language sql as 'select 1'; alter function shop.f() owner to plain_owner;
    create table shop.secret (a int); alter table shop.secret owner to plain_owner; alter table shop.secret enable row level security;
    comment on table shop.orders is 'o'; grant select on shop.orders to public`);
  await source.query("grant plain_owner to plain_reader");
  await target.query(`grant create on database ${target.name} to plain_writer; grant plain_owner to plain_writer; grant create on database ${target.name} to plain_owner;
    alter database ${target.name} owner to plain_writer`);
  try {
    const options = taskOptions(asAccount(source, "source", "plain_reader"), asAccount(target, "target", "plain_writer"), {
      verify: true,
      acceptAlarms: from < 15 && to >= 15, // schema public stays with the owner of the target database
    });
    const summary = await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(summary).toMatchObject({ rows: 1000, verifiedTables: expect.any(Number) as number });
    const owners = await target.query("select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace = 'shop'::regnamespace");
    expect(owners).toEqual([{ owner: "plain_owner" }]);
  } finally {
    await source.query("revoke plain_owner from plain_reader");
    await target.query("revoke plain_owner from plain_writer");
  }
});

it.each(pairs)("a table that the account may not read is left out, also of the planner statistics, from %i to %i", async (from, to) => {
  await createAccount(from, "plain_reader");
  const [source, target] = [await createDatabase(from), await createDatabase(to)];
  await source.query(`create table open as select n from generate_series(1, 100) n; create table secret (a int); grant select on open to plain_reader; analyze`);
  const options = taskOptions(asAccount(source, "source", "plain_reader"), target.endpoint("target"), {
    exclude: [{ kind: "table", pattern: "secret" }],
    noOwner: true,
    acceptAlarms: true,
    verify: true,
  });
  const summary = await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  expect(summary).toMatchObject({ rows: 100, verifiedTables: 1 });
  expect(await target.query("select reltuples::int as n from pg_class where relname = 'open'")).toEqual([{ n: 100 }]);
});
