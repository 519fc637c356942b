import { Client } from "pg";
import type { Major } from "../../../src/embedded/binaries.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import type { Endpoint, Side } from "../../../src/wire/endpoint.ts";
import { quoteIdentifier } from "../../../src/wire/quote.ts";
import { onServer, serverUri } from "../../kit/databases.ts";
import { type Removed, createZooRoles, loadSql, removedSql, zooSql } from "../../zoo/zoo.ts";

export interface ZooDatabase {
  readonly major: Major;
  endpoint(side: Side): Endpoint;
}

const built = new Map<string, Promise<ZooDatabase>>();
const names: { readonly major: Major; readonly name: string }[] = [];

/**
 * A database on the shared server of `major` that holds what PostgreSQL `holds` can hold, and `removed` on top. Built once per test file;
 * nobody writes to it. Drop them all with `dropZoos` at the end of the file.
 */
export async function zooDatabase(major: Major, holds: Major, removed: readonly Removed[] = []): Promise<ZooDatabase> {
  const key = [major, holds, ...removed].join(" ");
  let database = built.get(key);
  if (database === undefined) {
    database = build(major, holds, removed);
    built.set(key, database);
  }
  return await database;
}

async function build(major: Major, holds: Major, removed: readonly Removed[]): Promise<ZooDatabase> {
  const name = `zoo_${process.pid}_${names.length}`;
  names.push({ major, name });
  await onServer(major, async (admin) => {
    await createZooRoles(admin);
    await admin.query(`create database ${quoteIdentifier(name)} template template0`);
  });
  const uri = `${serverUri(major)}${name}`;
  const client = new Client({ connectionString: uri, application_name: "test" });
  await client.connect();
  try {
    for (const sql of [zooSql(holds), ...removed.map(removedSql)]) await loadSql(client, sql);
  } finally {
    await client.end();
  }
  return { major, endpoint: (side) => parseEndpoint(side, uri) };
}

export async function dropZoos(): Promise<void> {
  built.clear();
  for (const { major, name } of names.splice(0)) await onServer(major, async (admin) => await admin.query(`drop database if exists ${quoteIdentifier(name)}`));
}
