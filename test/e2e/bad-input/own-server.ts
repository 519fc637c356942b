import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "pg";
import { expect } from "vitest";
import type { EmbeddedServer } from "../../../src/embedded/server.ts";

/** Runs SQL in a database of a server that a test started for itself; returns the last result's rows. */
export async function runSql(server: EmbeddedServer, sql: string, database = "postgres"): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: server.uri(database), application_name: "test" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const result: unknown = await client.query(sql);
    return ((Array.isArray(result) ? result.at(-1) : result) as { rows: Record<string, unknown>[] }).rows;
  } finally {
    await client.end();
  }
}

/**
 * A table whose copy takes a while: 60 rows of 1 MB (a few KB on disk), each held up by the check of a domain on the target, so that the
 * source waits too.
 */
export const SLOW_TABLE = `
  create function patient(text) returns bool language sql as 'select true';
  create domain slow_text as text check (public.patient(value));
  create table slow (id int primary key, body slow_text);
  insert into slow select n, repeat('x', 1000000) from generate_series(1, 60) n;
  create or replace function patient(text) returns bool language plpgsql as 'begin perform pg_catalog.pg_sleep(0.1); return true; end';`;

/** The backend that copies, as soon as there is one. */
export async function copyingBackend(server: EmbeddedServer): Promise<number> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const rows = await runSql(server, "select pid from pg_stat_activity where application_name like 'godwit%' and query ~ 'copy .*slow' and state = 'active'");
    const pid = rows[0]?.["pid"];
    if (typeof pid === "number") return pid;
    await sleep(50);
  }
  throw new Error("no copy began");
}

/** Backends notice the end of their client when they next look. */
export async function expectNoSessions(...servers: readonly EmbeddedServer[]): Promise<void> {
  for (const server of servers) {
    const left = async (): Promise<unknown[]> => await runSql(server, "select pid, state, query from pg_stat_activity where application_name like 'godwit%'");
    await expect.poll(left, { timeout: 10_000, interval: 100 }).toEqual([]);
  }
}
