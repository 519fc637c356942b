import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { expect, it } from "vitest";
import { itemsOf, taskOptions } from "../../../test/kit/checks.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { serverIdentity } from "../../embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../../embedded/server.ts";
import { newProgress } from "../../task/events.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";

async function addTablespace(server: EmbeddedServer, name: string): Promise<void> {
  const directory = join(server.directory, name);
  await mkdir(directory);
  const identity = serverIdentity();
  if (identity !== undefined) await chown(directory, identity.uid, identity.gid);
  await run(server, "postgres", `create tablespace "${name}" location '${directory}'`);
}

async function run(server: EmbeddedServer, database: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.uri(database) });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

it("maps tablespaces, and tells what goes to the default", async () => {
  // Tablespaces belong to a whole server: this test has its own.
  await using server = await startServer({ major: TEST_MAJORS.at(-1)! });
  for (const name of ["Fast ü", "slow", "nvme"]) await addTablespace(server, name);
  for (const name of ["from_here", "to_there"]) await run(server, "postgres", `create database ${name}`);
  await run(
    server,
    "from_here",
    `create table a (id int) tablespace "Fast ü"; create table b (id int primary key using index tablespace slow); create table c (id int); insert into a values (1)`,
  );
  const source = parseEndpoint("source", server.uri("from_here"));
  const target = parseEndpoint("target", server.uri("to_there"));

  expect(await itemsOf("tablespaces", source, target)).toMatchObject([
    { result: "alarm", evidence: ["tablespace Fast ü: 1 object", expect.stringMatching(/^tablespace slow: \d objects?$/)] },
  ]);
  expect(await itemsOf("tablespaces", source, target, { tablespaceMap: { "Fast ü": "absent" } })).toMatchObject([
    { result: "failed", evidence: ["no tablespace absent on the target"] },
  ]);
  expect(await itemsOf("tablespaces", source, target, { tablespaceMap: { "Fast ü": "nvme", slow: "slow" } })).toMatchObject([{ result: "passed" }]);

  await run(server, "postgres", "create role tablespace_writer login password 'secret'");
  expect(await itemsOf("tablespaces", source, { ...target, user: "tablespace_writer", password: "secret" }, { tablespaceMap: { "Fast ü": "nvme" } })).toMatchObject([
    { result: "failed", evidence: ["no CREATE on tablespace nvme of the target"] },
  ]);

  const options = taskOptions(source, target, { tablespaceMap: { "Fast ü": "nvme" }, acceptAlarms: true });
  await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  const places = await run(
    server,
    "to_there",
    "select c.relname as name, coalesce(t.spcname, 'default') as place from pg_class c left join pg_tablespace t on t.oid = c.reltablespace where c.relname in ('a', 'b', 'b_pkey', 'c') order by 1",
  );
  expect(places).toEqual([{ name: "a", place: "nvme" }, { name: "b", place: "default" }, { name: "b_pkey", place: "default" }, { name: "c", place: "default" }]); // prettier-ignore
});
