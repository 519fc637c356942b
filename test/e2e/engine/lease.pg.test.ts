import { describe, expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { takeLease } from "../../../src/engine/lease.ts";
import { openStore } from "../../../src/engine/store.ts";
import { pause } from "./processes.ts";

describe("a lease", () => {
  it("is held until released, taken again behind an outage, and told to be lost when that takes too long", async () => {
    await using server = await startServer({ major: 18 });
    await using store = await openStore({ uri: server.uri() });
    let lost = 0;
    const lease = await takeLease(store, "executor-1", { log: () => undefined, onLost: () => (lost += 1), patienceMs: 1000 });
    const isHeld = async (): Promise<boolean> => {
      const { rows } = await store.pool.query("select from pg_locks where locktype = 'advisory' and objsubid = 2 and granted");
      return rows.length === 1;
    };
    expect(await isHeld()).toBe(true);
    await store.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'godwit executor executor-1'");
    const begun = performance.now();
    await pause(20);
    while (!(await isHeld())) await pause(10);
    console.log(`engine: lease taken again ${Math.round(performance.now() - begun)} ms after its session was ended`);
    await server.restart("immediate");
    while (!(await isHeld().catch(() => false))) await pause(10);
    expect(lost).toBe(0);
    process.kill(server.pid, "SIGQUIT");
    await pause(1600);
    expect(lost).toBe(1);
    await server.restart();
    while (!(await isHeld().catch(() => false))) await pause(10);
    expect(lost).toBe(1);
    await lease.release();
    expect(await isHeld()).toBe(false);
  });
});
