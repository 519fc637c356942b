import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newStateDirectory, removeStateDirectories } from "../../kit/state-directory.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const TABLES_PER_STATEMENT = 2000;

/** Room for pg_dump's lock on every table, as the precheck "structure-limits" asks for. */
const SETTINGS = { max_locks_per_transaction: 4096, shared_buffers: "512MB", autovacuum: "off", synchronous_commit: "off" };

interface Run {
  readonly exitCode: number | null;
  readonly seconds: number;
  readonly peakMb: number;
  readonly last: Record<string, unknown>;
}

/** Runs the CLI with --json and watches the high-water mark of its memory. */
async function godwit(...args: string[]): Promise<Run> {
  const since = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill());
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out = (out + text).slice(-100_000)));
  let peakMb = 0;
  const watch = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, "utf8").then(
      (status) => (peakMb = Math.max(peakMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)),
      () => undefined,
    );
  }, 100);
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(watch);
  return { exitCode, seconds: (performance.now() - since) / 1000, peakMb, last: JSON.parse(out.trim().split("\n").at(-1) ?? "{}") as Record<string, unknown> };
}

async function connect(server: EmbeddedServer, database: string): Promise<Client> {
  const client = new Client({ connectionString: server.uri(database) });
  await client.connect();
  return client;
}

/** `count` tables with a primary key and a row each, in ten schemas. */
async function fill(server: EmbeddedServer, database: string, count: number): Promise<void> {
  const client = await connect(server, database);
  for (let schema = 0; schema < 10; schema++) await client.query(`create schema s${schema}`);
  for (let from = 0; from < count; from += TABLES_PER_STATEMENT) {
    await client.query(`do $$ begin for i in ${from}..${Math.min(count, from + TABLES_PER_STATEMENT) - 1} loop
      execute format('create table s%s.t%s (id int primary key, name text not null, at timestamptz default now(), amount numeric(10, 2))', i % 10, i);
      execute format('insert into s%s.t%s values (%s, ''row'', ''2026-01-01'', 1.5)', i % 10, i, i);
    end loop; end $$`);
  }
  for (const catalog of ["pg_class", "pg_attribute", "pg_depend", "pg_index", "pg_constraint", "pg_type"]) await client.query(`vacuum analyze pg_catalog.${catalog}`);
  await client.end();
}

describe("many tables", () => {
  let source: EmbeddedServer;
  let target: EmbeddedServer;

  beforeAll(async () => {
    [source, target] = await Promise.all([startServer({ major: 14, settings: SETTINGS }), startServer({ major: 18, settings: SETTINGS })]);
  });
  afterAll(async () => {
    await Promise.all([source.stop(), target.stop(), removeStateDirectories()]);
  });

  it("20,000 tables migrate, and every one is equal", async () => {
    const admin = await connect(source, "postgres");
    await admin.query("create database twenty_thousand");
    await admin.end();
    const there = await connect(target, "postgres");
    await there.query("create database twenty_thousand");
    await there.end();
    await fill(source, "twenty_thousand", 20_000);
    const run = await godwit(
      "migrate",
      "--source",
      source.uri("twenty_thousand"),
      "--target",
      target.uri("twenty_thousand"),
      "--type",
      "full",
      "--yes",
      "--verify",
      "--dir",
      newStateDirectory(),
      "--retry-for",
      "0s",
    );
    console.log(`20,000 tables: migrated and verified in ${run.seconds.toFixed(1)} s, ${run.peakMb.toFixed(0)} MB`);
    expect(run.last).toMatchObject({ event: "summary", state: "succeeded", tables: 20_000, rows: 20_000, verifiedTables: 20_000 });
    expect(run.exitCode).toBe(0);
  });

  it("200,000 tables are planned and checked within 60 s and 1 GB", async () => {
    const admin = await connect(source, "postgres");
    await admin.query("create database many");
    await admin.end();
    const there = await connect(target, "postgres");
    await there.query("create database many");
    await there.end();
    await fill(source, "many", 200_000);
    // The WebAssembly pg_dump holds a catalog of this size in about 0.7 GB of this process (1.4 GB in all); a native one does it outside.
    const run = await godwit("check", "--source", source.uri("many"), "--target", target.uri("many"), "--type", "full", "--pg-dump", process.env["GODWIT_PG_DUMP"] ?? "pg_dump");
    console.log(`200,000 tables: planned in ${run.seconds.toFixed(1)} s, ${run.peakMb.toFixed(0)} MB`);
    expect(run.last).toMatchObject({ event: "summary", state: "succeeded" });
    expect(run.peakMb).toBeLessThan(1024);
    expect(run.seconds).toBeLessThan(60);
  });
});
