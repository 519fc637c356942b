import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import type { EmbeddedServer } from "../src/embedded/server.ts";
import { quoteIdentifier } from "../src/wire/quote.ts";
import { machineAtRest } from "./machine.ts";
import type { ServerPair } from "./servers.ts";
import type { Shape } from "./shapes/shape.ts";

export async function withClient<Result>(server: EmbeddedServer, database: string, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client(server.uri(database));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export interface SourceDatabase {
  readonly name: string;
  /** Heap, TOAST and indexes. */
  readonly diskBytes: number;
  /** Heap and TOAST of the tables: what MB/s is counted in, for every tool alike. */
  readonly tableBytes: number;
}

/** Builds a shape once; every round of every tool reads the same database. */
export async function buildSource(server: EmbeddedServer, shape: Shape, scale: number): Promise<SourceDatabase> {
  const name = `bench_${shape.name}`;
  await recreateDatabase(server, name);
  return await withClient(server, name, async (client) => {
    await client.query("set synchronous_commit = off");
    for (const statement of shape.statements(scale)) await client.query(statement);
    // Hint bits are set and statistics there: the first tool does not pay for them.
    await client.query("vacuum (freeze, analyze)");
    const sizes = await client.query<{ disk: string; tables: string }>(`
      select pg_database_size(current_database()) as disk, coalesce(sum(pg_table_size(c.oid)), 0) as tables
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`);
    return { name, diskBytes: Number(sizes.rows[0]?.disk), tableBytes: Number(sizes.rows[0]?.tables) };
  });
}

/** An empty database, and both servers, the disk and the processors at rest: dirty pages of the run before are not this run's work. */
export async function prepareTarget(pair: ServerPair, database: string): Promise<void> {
  await recreateDatabase(pair.target, database);
  for (const server of [pair.source, pair.target]) await backendsGone(server);
  await settleDisks(pair);
  await machineAtRest();
}

/** Writes what is dirty: pages of what was done before are not the work of what is measured next. */
export async function settleDisks(pair: ServerPair): Promise<void> {
  for (const server of [pair.source, pair.target]) await withClient(server, "postgres", async (client) => await client.query("checkpoint"));
  await promisify(execFile)("sync");
}

/** A fresh database, empty or equal to `template`. */
export async function recreateDatabase(server: EmbeddedServer, name: string, template = "template0"): Promise<void> {
  await backendsGone(server);
  await withClient(server, "postgres", async (client) => {
    await client.query(`drop database if exists ${quoteIdentifier(name)}`);
    await client.query(`create database ${quoteIdentifier(name)} template ${quoteIdentifier(template)}`);
  });
}

export async function dropDatabase(server: EmbeddedServer, name: string): Promise<void> {
  await withClient(server, "postgres", async (client) => await client.query(`drop database if exists ${quoteIdentifier(name)}`));
}

/** Waits until a tool's backends have ended: their CPU time then counts as the postmaster's, and the database can be dropped. */
export async function backendsGone(server: EmbeddedServer): Promise<void> {
  await withClient(server, "postgres", async (client) => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const others = await client.query("select 1 from pg_stat_activity where datname is not null and pid <> pg_backend_pid()");
      if (others.rowCount === 0) return;
      await sleep(50);
    }
    // A failed tool's backends may still work on a long statement.
    await client.query("select pg_terminate_backend(pid) from pg_stat_activity where datname is not null and pid <> pg_backend_pid()");
    await sleep(500);
  });
}
