import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Backlog } from "./backlogs/backlog.ts";
import { type CpuUse, cpuUse, readClocks } from "../clocks.ts";
import { settleDisks, withClient } from "../databases.ts";
import { type Fingerprint, differences, takeFingerprint } from "../fingerprint.ts";
import { watchMemory } from "../memory-watch.ts";
import { ownCpuSeconds } from "../process-tree.ts";
import { type Base, withFollower } from "../replica-site.ts";
import type { ServerPair } from "../servers.ts";
import { type Follower, type FollowerTool, type Site, rejectWhenFailed } from "../tools/follower.ts";

/** One backlog applied by one tool. One that failed has no figures to compare, only its failure. */
export interface Drain extends CpuUse {
  readonly tool: string;
  /** 1 … n; 0 and below: warm-ups. */
  readonly round: number;
  readonly failure: string | undefined;
  /** From time zero until the slot was in use: what the tool's start takes. */
  readonly startSeconds: number;
  /** From the slot in use until the last change was visible at the target. */
  readonly drainSeconds: number;
  /** Bytes of WAL that the slot had to read. */
  readonly walBytes: number;
  readonly peakRssBytes: number | undefined;
}

/**
 * The error of both clocks: how often it is looked whether the slot is in use, and whether the last change is visible. Every 5 ms took a tenth of a core, which is missed by a tool that needs
 * both.
 */
const LOOK_EVERY_MS = 20;

/** Of a run that did not come to its end. */
const NOTHING = {
  startSeconds: 0, drainSeconds: 0, walBytes: 0, peakRssBytes: undefined, toolCpuSeconds: undefined, sourceCpuSeconds: undefined, targetCpuSeconds: undefined,
  otherCpuSeconds: undefined, idleSeconds: undefined, diskWaitSeconds: undefined,
}; // prettier-ignore

/** Attaches a tool, lets a backlog gather, and measures how it is applied. Never throws for what a tool does. */
export async function drain(pair: ServerPair, base: Base, backlog: Backlog, tool: FollowerTool, round: number, options: { scale: number; timeoutMs: number }): Promise<Drain> {
  try {
    return await withFollower(pair, base, tool, options.timeoutMs, async (site, follower) => {
      const walBytes = await makeBacklog(site, backlog, options.scale);
      const expected = await takeFingerprint(site.source, site.database);
      await settleDisks(pair);
      const figures = await measureDrain(pair, site, tool, follower);
      return { tool: tool.name, round, walBytes, ...figures, failure: await judge(site, expected) };
    });
  } catch (error) {
    return { tool: tool.name, round, ...NOTHING, failure: error instanceof Error ? error.message : String(error) };
  }
}

async function makeBacklog({ source, database }: Site, backlog: Backlog, scale: number): Promise<number> {
  return await withClient(source, database, async (client) => {
    const { rows: before } = await client.query<{ lsn: string }>("select pg_current_wal_lsn() as lsn");
    await client.query("set synchronous_commit = off");
    for (const script of backlog.work(scale).scripts) await client.query(script);
    await client.query("set synchronous_commit = on");
    await client.query("insert into bench_marker values (1)");
    const { rows } = await client.query<{ bytes: string }>("select pg_wal_lsn_diff(pg_current_wal_lsn(), $1) as bytes", [before[0]?.lsn]);
    return Number(rows[0]?.bytes);
  });
}

type Figures = Omit<Drain, "tool" | "round" | "failure" | "walBytes">;

async function measureDrain(pair: ServerPair, site: Site, tool: FollowerTool, follower: Follower): Promise<Figures> {
  return await withClient(site.source, site.database, async (source) => {
    return await withClient(site.target, site.database, async (target) => {
      const before = await readClocks(pair);
      using memory = watchMemory(tool, follower);
      const started = performance.now();
      const deadline = started + site.timeoutMs;
      await follower.start();
      const failed = rejectWhenFailed(follower);
      const reading = await Promise.race([failed, slotInUse(source, site.database, deadline)]);
      const applied = await Promise.race([failed, markerVisible(target, deadline)]);
      const toolCpuSeconds = follower.pid === undefined ? 0 : tool.hasServerOfItsOwn === true ? await ownCpuSeconds(follower.pid) : undefined;
      const use = cpuUse(before, await readClocks(pair), toolCpuSeconds);
      return { startSeconds: (reading - started) / 1000, drainSeconds: (applied - reading) / 1000, peakRssBytes: await memory.peakBytes(), ...use };
    });
  });
}

/** A walsender that takes the slot is the first thing of a tool's reading that can be seen from outside, and it is the same for every tool. */
async function slotInUse(client: Client, database: string, deadline: number): Promise<number> {
  return await when(client, "select 1 from pg_replication_slots where database = $1 and active", [database], deadline, "nobody read from the slot");
}

async function markerVisible(client: Client, deadline: number): Promise<number> {
  return await when(client, "select 1 from bench_marker", [], deadline, "the last change was not there");
}

async function when(client: Client, sql: string, values: readonly string[], deadline: number, complaint: string): Promise<number> {
  for (;;) {
    const { rowCount } = await client.query({ name: complaint, text: sql, values: [...values] });
    const now = performance.now();
    if (rowCount !== 0) return now;
    if (now > deadline) throw new Error(`${complaint} when the time was over`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** The marker is the last change in the source's order: all others must be there the moment that it is. */
async function judge(site: Site, expected: Fingerprint): Promise<string | undefined> {
  const found = differences(expected, await takeFingerprint(site.target, site.database));
  if (found.length === 0) return undefined;
  return [`the target differs from the source in ${found.length} things:`, ...found.slice(0, 5)].join("\n  ");
}
