import { Client } from "pg";
import { inject } from "vitest";
import type { Major } from "../../src/embedded/binaries.ts";
import { type Endpoint, type Side, parseEndpoint } from "../../src/wire/endpoint.ts";
import { quoteIdentifier } from "../../src/wire/quote.ts";

/** A database of its own for one test, on the shared server of its major; dropped at the test's end. */
export interface TestDatabase {
  readonly name: string;
  readonly major: Major;
  readonly uri: string;
  endpoint(side: Side): Endpoint;
  /** Runs SQL (several statements are allowed without values) and returns the last result's rows. */
  query<Row extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
}

const opened: { readonly major: Major; readonly name: string; readonly client: Client }[] = [];
let counter = 0;

/** One session for each server, which makes and drops the databases of a file's tests: a thousand connections are more than a minute. */
const makers = new Map<Major, Client>();

async function makerOf(major: Major): Promise<Client> {
  const known = makers.get(major);
  if (known !== undefined) return known;
  const maker = new Client({ connectionString: `${serverUri(major)}postgres`, application_name: "test" });
  maker.on("error", () => makers.delete(major));
  await maker.connect();
  makers.set(major, maker);
  return maker;
}

/** Called by leak-check after the last test of a file. */
export async function closeMakers(): Promise<void> {
  for (const maker of makers.values()) await maker.end();
  makers.clear();
}

/** Creates a database; `clauses` goes behind CREATE DATABASE (encoding, locale …). */
export async function createDatabase(major: Major, clauses = ""): Promise<TestDatabase> {
  const name = `t${process.pid}_${++counter}`;
  // Copying the files is four times as fast as writing them to the WAL, which is the default since 15.
  const strategy = major >= 15 ? "strategy file_copy" : "";
  await (await makerOf(major)).query(`create database ${quoteIdentifier(name)} ${strategy} ${clauses}`);
  return await useDatabase(major, name);
}

/** Wraps a database that exists (made by a migration, say); it is dropped at the test's end too. */
export async function useDatabase(major: Major, name: string): Promise<TestDatabase> {
  const uri = `${serverUri(major)}${encodeURIComponent(name)}`;
  const client = new Client({ connectionString: uri, application_name: "test" });
  client.on("error", () => undefined);
  await client.connect();
  opened.push({ major, name, client });
  return {
    name,
    major,
    uri,
    endpoint: (side) => parseEndpoint(side, uri),
    query: async (sql, values) => {
      const result: unknown = values === undefined ? await client.query(sql) : await client.query(sql, values);
      const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: never[] };
      return last.rows;
    },
  };
}

/** URI of the shared server of a major, ending in "/". */
export function serverUri(major: Major): string {
  const uri = inject("serverUris")[major];
  if (uri === undefined) throw new Error(`no server of PostgreSQL ${major} in this run: see GODWIT_TEST_MAJORS`);
  return uri;
}

/** Runs something as superuser in the postgres database of a shared server. */
export async function onServer<T>(major: Major, work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: `${serverUri(major)}postgres`, application_name: "test" });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

/** Connections and slots that the product left in the test's databases. Called by leak-check after each test; drops the databases. */
export async function findLeaks(): Promise<string[]> {
  const leaks: string[] = [];
  for (const { major, name, client } of opened.splice(0)) {
    await client.end();
    const admin = await makerOf(major);
    const query = "select pid, state, query from pg_stat_activity where datname = $1 and application_name like 'godwit%' and pid <> pg_backend_pid()";
    // A backend that was just told to end needs a moment.
    for (let attempt = 0; attempt < 20; attempt++) {
      const { rows } = await admin.query(query, [name]);
      if (rows.length === 0) break;
      if (attempt === 19) leaks.push(...rows.map((row) => `connection to ${name} (PostgreSQL ${major}): ${JSON.stringify(row)}`));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const slots = await admin.query<{ slot_name: string }>("select slot_name from pg_replication_slots where database = $1", [name]);
    leaks.push(...slots.rows.map((row) => `slot ${row.slot_name} of ${name} (PostgreSQL ${major})`));
    for (const { slot_name } of slots.rows) await admin.query("select pg_drop_replication_slot($1)", [slot_name]);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
    await admin.query(`drop database if exists ${quoteIdentifier(name)}`);
  }
  return leaks;
}
