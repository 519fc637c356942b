import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { ONE_MAJOR, THOROUGH } from "../../test/kit/majors.ts";
import { openStallingProxy } from "../../test/kit/stalling-proxy.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "./endpoint.ts";
import { ZERO_LSN } from "./lsn.ts";
import { decodePgoutput, pgoutputOptions } from "./pgoutput.ts";
import { type Replication, type ReplicationOptions, openReplication } from "./replication.ts";
import type { ChangeStream, StreamHandler } from "./replication-stream.ts";
import { openSession } from "./session.ts";

const SILENT: StreamHandler = { onMessage: () => undefined, onKeepalive: () => undefined };
const wait = async (ms: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, ms));

interface Streaming extends AsyncDisposable {
  readonly replication: Replication;
  readonly stream: ChangeStream;
}

/** A stream of a slot of its own, which is dropped behind it. */
async function startStream(database: TestDatabase, options: ReplicationOptions = {}, handler = SILENT, endpoint = database.endpoint("source")): Promise<Streaming> {
  await database.query(
    "create table if not exists public.a (n serial primary key, t text); alter table public.a alter t set storage external; create publication p for all tables",
  );
  const slot = `${database.name}_s`;
  await using maker = await openReplication(database.endpoint("source"));
  await maker.createSlot(slot, "pgoutput");
  const replication = await openReplication(endpoint, options);
  const stream = await replication.startReplication({ slot, from: ZERO_LSN, options: pgoutputOptions(["p"]) }, handler);
  const isFree = async (): Promise<boolean> => (await database.query("select from pg_replication_slots where slot_name = $1 and not active", [slot])).length > 0;
  return {
    replication,
    stream,
    [Symbol.asyncDispose]: async () => {
      await replication.close();
      await expect.poll(isFree, { timeout: 20_000, interval: 100 }).toBe(true);
      await using dropper = await openReplication(database.endpoint("source"));
      await dropper.dropSlot(slot);
    },
  };
}

describe.each(ONE_MAJOR)("a stream of changes from PostgreSQL %i", (major) => {
  it("is lost with its walsender, and says why", async () => {
    const database = await createDatabase(major);
    await using streaming = await startStream(database);
    await database.query("select pg_terminate_backend($1)", [streaming.replication.backendPid]);
    await expect(streaming.stream.ended).rejects.toMatchObject({ code: "connection-lost", cause: { code: "57P01" } });
    await streaming.stream.stop(); // as well as never
  });

  it("ends by its signal", async () => {
    const database = await createDatabase(major);
    const controller = new AbortController();
    await using streaming = await startStream(database, { signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(streaming.stream.ended).rejects.toThrow("enough");
  });

  it("ends with what its handler throws", async () => {
    const database = await createDatabase(major);
    const refuse = (): never => {
      throw new Error("not this");
    };
    await using streaming = await startStream(database, {}, { ...SILENT, onMessage: refuse });
    await database.query("insert into public.a (t) values ('x')");
    await expect(streaming.stream.ended).rejects.toThrow("not this");
  });

  it("ends in good order when its connection is closed", async () => {
    const database = await createDatabase(major);
    await using streaming = await startStream(database);
    await streaming.replication.close();
    await expect(streaming.stream.ended).resolves.toBeUndefined();
  });

  it("is lost when nothing is heard any more, unless nobody listens", async () => {
    const database = await createDatabase(major);
    await using proxy = await openStallingProxy(database.endpoint("source").port);
    await using streaming = await startStream(database, { silenceMs: 1500 }, SILENT, { ...database.endpoint("source"), port: proxy.port });
    // A server that has nothing to tell is asked, and answers.
    await wait(3000);
    streaming.stream.pause();
    proxy.stall();
    await wait(2500);
    const since = performance.now();
    streaming.stream.resume();
    await expect(streaming.stream.ended).rejects.toMatchObject({ code: "connection-lost", message: expect.stringContaining("nothing was heard of the server for 2 s") as unknown });
    expect(performance.now() - since).toBeGreaterThan(1000);
    await proxy[Symbol.asyncDispose](); // only now the server can notice
  });

  it.runIf(THOROUGH)("stays with the server while it is paused, beyond wal_sender_timeout", async () => {
    await using server = await startServer({ major, settings: { wal_sender_timeout: "2s" } });
    const endpoint = parseEndpoint("source", server.uri());
    await using session = await openSession(endpoint);
    await session.query("create table public.a (n serial primary key, t text); create publication p for all tables");
    await using maker = await openReplication(endpoint);
    await maker.createSlot("s", "pgoutput");
    await using replication = await openReplication(endpoint);
    let changes = 0;
    const handler: StreamHandler = { ...SILENT, onMessage: (bytes, start, end) => void (changes += decodePgoutput(bytes, start, end, false).kind === "insert" ? 1 : 0) };
    const stream = await replication.startReplication({ slot: "s", from: ZERO_LSN, options: pgoutputOptions(["p"]) }, handler);
    stream.pause();
    // More than all the buffers between the two hold.
    await session.query("insert into public.a (t) select repeat(md5(i::text), 100) from generate_series(1, 20000) i");
    await wait(6000);
    expect(changes).toBeLessThan(20_000);
    expect(await session.query("select active_pid from pg_replication_slots")).toEqual([{ active_pid: replication.backendPid }]);
    stream.resume();
    await expect.poll(() => changes, { timeout: 30_000 }).toBe(20_000);
    // Nor does an idle one, which is asked for an answer after half of the time.
    await wait(4000);
    expect(await session.query("select active_pid from pg_replication_slots")).toEqual([{ active_pid: replication.backendPid }]);
    await stream.stop();
  });

  it("tells a slot whose WAL is gone from one that broke", async () => {
    const limit: Record<string, string> = major >= 13 ? { max_slot_wal_keep_size: "1MB" } : {};
    await using server = await startServer({ major, settings: { ...limit, min_wal_size: "32MB", max_wal_size: "32MB" } });
    const endpoint = parseEndpoint("source", server.uri());
    await using session = await openSession(endpoint);
    await session.query("create table public.a (n serial primary key); create publication p for all tables");
    await using maker = await openReplication(endpoint);
    await maker.createSlot("s", "pgoutput");
    for (let segment = 0; segment < 4; segment++) {
      await session.query("insert into public.a default values");
      await session.query("select pg_switch_wal()");
      await session.query("checkpoint");
    }
    if (major < 13) {
      // Such a server keeps everything: somebody removed it.
      const wal = join(server.directory, "data", "pg_wal");
      const segments = readdirSync(wal).filter((file) => /^[0-9A-F]{24}$/.test(file));
      for (const segment of segments.toSorted().slice(0, 2)) rmSync(join(wal, segment));
    }
    await using replication = await openReplication(endpoint);
    const streamed = replication.startReplication({ slot: "s", from: ZERO_LSN, options: pgoutputOptions(["p"]) }, SILENT).then(async (stream) => await stream.ended);
    await expect(streamed).rejects.toMatchObject({ code: "slot-lost", exitCode: 4, object: "s" });
  });

  it("ends when its server is shut down", async () => {
    await using server = await startServer({ major });
    const endpoint = parseEndpoint("source", server.uri());
    await using replication = await openReplication(endpoint);
    await replication.createSlot("s", "pgoutput");
    // A server only shuts down when everything is reported as safe.
    const stream = await replication.startReplication(
      { slot: "s", from: ZERO_LSN, options: pgoutputOptions(["p"]) },
      { ...SILENT, onKeepalive: (walEnd) => stream.report(walEnd) },
    );
    const restarted = server.restart("fast");
    await expect(stream.ended).rejects.toMatchObject({ code: "connection-lost" });
    await restarted;
  });

  it("is not begun while a slot waits for a transaction, and its signal ends the wait", async () => {
    const database = await createDatabase(major);
    await database.query("create table public.a (n int); begin; insert into public.a values (1)");
    const controller = new AbortController();
    await using replication = await openReplication(database.endpoint("source"), { signal: controller.signal });
    const making = replication.createSlot(`${database.name}_s`, "pgoutput");
    making.catch(() => undefined);
    await wait(500);
    controller.abort(new Error("enough"));
    await expect(making).rejects.toThrow("enough");
    await database.query("commit");
    await expect.poll(async () => await database.query("select from pg_replication_slots where database = $1", [database.name])).toEqual([]);
    await expect(replication.createSlot(`${database.name}_s`, "pgoutput")).rejects.toThrow("enough");
  });
});
