import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { verifyDatabases } from "../../../src/task/verify-databases.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

/** A small PostGIS: rows of its own, rows of users behind a condition, a table and a sequence that are all the users'. */
const SCRIPT = `
  create table rate (name text primary key, factor numeric not null, "is Own" boolean not null default true);
  insert into rate values ('metre', 1, false), ('foot', 0.3048, false);
  create table note (id int primary key, line text); create sequence note_id; create table cache (a int);
  select pg_catalog.pg_extension_config_dump('rate', 'WHERE rate."is Own"');
  select pg_catalog.pg_extension_config_dump('note', ''); select pg_catalog.pg_extension_config_dump('note_id', '');`;

// Only since 18 a server can be told where extensions lie: https://www.postgresql.org/docs/18/runtime-config-client.html#GUC-EXTENSION-CONTROL-PATH
it.runIf(TEST_MAJORS.includes(18))("configuration tables of extensions: the users' rows move, those of the extension come with it", async () => {
  const directory = await mkdtemp(join(tmpdir(), "godwit-extension-"));
  await mkdir(join(directory, "extension"));
  await writeFile(join(directory, "extension", "units.control"), "default_version = '1.0'\nrelocatable = false\nschema = units\n");
  await writeFile(join(directory, "extension", "units--1.0.sql"), SCRIPT);
  await chmod(directory, 0o755);
  try {
    await using server = await startServer({ major: 18, settings: { extension_control_path: `$system:${directory}` } });
    const query = async (database: string, sql: string): Promise<unknown[]> => {
      const client = new Client({ connectionString: server.uri(database) });
      await client.connect();
      const result = await client.query(sql).finally(async () => await client.end());
      return result.rows;
    };
    for (const name of ["old", "new"]) await query("postgres", `create database ${name}`);
    await query(
      "old",
      `create extension units; insert into units.rate values ('ell', 1.143); update units.rate set factor = 0.304 where name = 'foot';
       insert into units.note values (nextval('units.note_id'), 'x'), (nextval('units.note_id'), 'y'); insert into units.cache values (1);
       create table public.plot (id int primary key, unit text references units.rate); insert into public.plot values (1, 'ell')`,
    );
    const options = taskOptions(parseEndpoint("source", server.uri("old")), parseEndpoint("target", server.uri("new")), { acceptAlarms: true, verify: true });
    const events: MigrationEvent[] = [];
    const hooks = { report: (event: MigrationEvent) => void events.push(event), progress: newProgress(), signal: new AbortController().signal };
    await migrate(options, hooks);
    expect(await query("new", "select name, factor from units.rate order by 1")).toEqual([
      { name: "ell", factor: "1.143" },
      { name: "foot", factor: "0.3048" },
      { name: "metre", factor: "1" },
    ]);
    expect(await query("new", "select line from units.note order by id")).toEqual([{ line: "x" }, { line: "y" }]);
    expect(await query("new", "select nextval('units.note_id')::int as next, (select count(*)::int from units.cache) as cached")).toEqual([{ next: 3, cached: 0 }]);

    await query("new", "update units.rate set factor = 2 where name = 'ell'; delete from units.note where id = 2");
    expect(await verifyDatabases(options, hooks)).toMatchObject({ tables: 3, differences: 2 });
    const differing = new Map(events.flatMap((event) => (event.event === "difference" ? [[event.table, event.keys] as const] : [])));
    expect(Object.fromEntries(differing)).toEqual({ "units.note": ["id=2: only on the source"], "units.rate": ["name=ell: differs in columns factor"] });
  } finally {
    await rm(directory, { recursive: true });
  }
});
