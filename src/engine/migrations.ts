import { setTimeout as sleep } from "node:timers/promises";
import { ensureSystemDatabase } from "@dbos-inc/dbos-sdk/internal/system_database";
import { GlobalLogger } from "@dbos-inc/dbos-sdk/internal/telemetry/logs";
import type { Client } from "pg";
import { fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { ADVISORY_LOCKS } from "./advisory-locks.ts";
import { STORE_URL } from "./control.ts";
import { QUIET_LOGGER } from "./quiet-logger.ts";
import type { Store } from "./store.ts";

/** One step of the schema `godwit`. Its number is its place in the list, from 1; what was released is never changed. */
export interface Migration {
  readonly name: string;
  /** One or more statements, run in one transaction with the note that it was done. */
  readonly sql: string;
}

/**
 * Brings a store to the schema this Godwit knows: the tables of `godwit` by the list, and DBOS's own tables. Processes that start together do
 * it one after the other. Throws `store-newer` when the store holds more migrations than the list.
 */
export async function migrateStore(store: Store, migrations: readonly Migration[]): Promise<void> {
  const client = await store.connect("godwit migrations");
  try {
    await takeLock(client);
    await migrateGodwit(client, store.description, migrations);
    // DBOS must do it here and not when it launches: several processes that launch on an empty store deadlock.
    await ensureSystemDatabase(STORE_URL, new GlobalLogger(undefined, { logger: QUIET_LOGGER }), store.pool);
  } catch (error) {
    throw fromServer(error, { server: store.description, doing: "migrating the store", otherwise: "query-failed" });
  } finally {
    await client.end(); // gives the lock back
  }
}

/** Who waits inside a query has a snapshot, and DBOS's CREATE INDEX CONCURRENTLY would wait for that: so the lock is asked for again and again. */
async function takeLock(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>("select pg_catalog.pg_try_advisory_lock($1, 0) as taken", [ADVISORY_LOCKS.migrate]);
    if (rows[0]?.taken === true) return;
    await sleep(50);
  }
}

async function migrateGodwit(client: Client, store: string, migrations: readonly Migration[]): Promise<void> {
  const { rows: tables } = await client.query<{ present: boolean }>("select pg_catalog.to_regclass('godwit.migrations') is not null as present");
  if (tables[0]?.present !== true) {
    await client.query(`create schema if not exists godwit;
      create table godwit.migrations (version integer primary key, name text not null, applied_at timestamptz not null default pg_catalog.now())`);
  }
  const { rows } = await client.query<{ version: number }>("select coalesce(pg_catalog.max(version), 0) as version from godwit.migrations");
  const version = rows[0]?.version ?? 0;
  if (version > migrations.length) {
    throw new GodwitError("store-newer", `${store} is at version ${version}, this Godwit knows versions up to ${migrations.length}`, { object: store });
  }
  for (const [at, migration] of migrations.entries()) {
    if (at < version) continue;
    await client.query("begin");
    try {
      await client.query(migration.sql);
      await client.query("insert into godwit.migrations (version, name) values ($1, $2)", [at + 1, migration.name]);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback").catch(() => undefined);
      throw error;
    }
  }
}
