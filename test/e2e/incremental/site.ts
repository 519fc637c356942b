import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { quoteIdentifier } from "../../../src/wire/quote.ts";

/** One database of a scenario, on a server that may be restarted meanwhile. */
export interface ScenarioDatabase {
  readonly server: EmbeddedServer;
  readonly name: string;
  /** Straight to the server, whatever lies between it and the migration. */
  readonly uri: string;
  /** Each call has a connection of its own, and waits for a server that is just starting. */
  query<Row extends object = Record<string, unknown>>(sql: string, values?: unknown[]): Promise<Row[]>;
}

export interface ServerPair extends AsyncDisposable {
  readonly source: EmbeddedServer;
  readonly target: EmbeddedServer;
}

/** Servers for many scenarios, one after the other. They move changes without waiting: native replication otherwise rests for seconds between its steps. */
export async function startPair(source: SourceMajor, target: SourceMajor): Promise<ServerPair> {
  await using stack = new AsyncDisposableStack();
  const servers = {
    source: stack.use(await startServer({ major: source, settings: settingsOf(source) })),
    target: stack.use(await startServer({ major: target, settings: settingsOf(target) })),
  };
  const kept = stack.move();
  return { ...servers, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}

function settingsOf(major: SourceMajor): Record<string, string | number> {
  return {
    wal_level: "logical",
    max_prepared_transactions: 10,
    max_connections: 100,
    max_worker_processes: 24,
    max_wal_senders: 30,
    max_replication_slots: 40,
    max_locks_per_transaction: 512,
    deadlock_timeout: "200ms",
    ...(major >= 9.5 ? { wal_retrieve_retry_interval: "100ms" } : {}),
    ...(major >= 10 ? { max_logical_replication_workers: 16, max_sync_workers_per_subscription: 8 } : {}),
  };
}

/** A new database; dropped by dropScenarioDatabase. */
export async function makeScenarioDatabase(server: EmbeddedServer, seed: string): Promise<ScenarioDatabase> {
  const name = `s${seed.toLowerCase().replaceAll(/\W/g, "_")}_${randomBytes(3).toString("hex")}`;
  await query(server.uri(), `create database ${quoteIdentifier(name)} template template0`);
  const uri = server.uri(name);
  return { server, name, uri, query: async (sql, values) => await query(uri, sql, values) };
}

export async function dropScenarioDatabase({ server, name }: ScenarioDatabase): Promise<void> {
  await query(server.uri(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [name]);
  for (let attempt = 0; attempt < 50; attempt++) {
    const slots = await query<{ slot: string; active: boolean }>(server.uri(), "select slot_name as slot, active from pg_replication_slots where database = $1", [name]);
    for (const { slot, active } of slots) if (!active) await query(server.uri(), "select pg_drop_replication_slot($1)", [slot]).catch(() => undefined);
    if (slots.length === 0) break;
    await sleep(100);
  }
  await query(server.uri(), `drop database ${quoteIdentifier(name)}`);
}

async function query<Row extends object>(uri: string, sql: string, values?: unknown[]): Promise<Row[]> {
  for (let attempt = 1; ; attempt++) {
    const client = new Client({ connectionString: uri, application_name: "test" });
    client.on("error", () => undefined);
    try {
      await client.connect();
    } catch (error) {
      if (attempt === 100) throw error;
      await sleep(100);
      continue;
    }
    try {
      const result: unknown = values === undefined ? await client.query(sql) : await client.query(sql, values);
      return ((Array.isArray(result) ? result.at(-1) : result) as { rows: Row[] }).rows;
    } finally {
      await client.end();
    }
  }
}
