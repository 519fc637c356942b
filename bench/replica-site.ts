import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type SourceDatabase, backendsGone, buildSource, dropDatabase, recreateDatabase, withClient } from "./databases.ts";
import type { ServerPair } from "./servers.ts";
import type { Shape } from "./shapes/shape.ts";
import type { Follower, FollowerTool, Site } from "./tools/follower.ts";

/** Built once per shape on both servers; each run gets copies of it. */
export interface Base {
  readonly shape: Shape;
  readonly source: SourceDatabase;
}

export async function buildBase(pair: ServerPair, shape: Shape, scale: number): Promise<Base> {
  const base = { ...shape, name: `${shape.name}_base` };
  await buildSource(pair.target, base, scale);
  return { shape, source: await buildSource(pair.source, base, scale) };
}

export async function dropBase(pair: ServerPair, base: Base): Promise<void> {
  for (const server of [pair.source, pair.target]) await dropDatabase(server, base.source.name);
}

/**
 * Attaches a tool to fresh databases, does `work` with it, and removes all of it again: databases, slots, files. Both targets, the copied one and the given
 * one, are vacuumed and analyzed before.
 */
export async function withFollower<Result>(
  pair: ServerPair,
  base: Base,
  tool: FollowerTool,
  timeoutMs: number,
  work: (site: Site, follower: Follower) => Promise<Result>,
): Promise<Result> {
  const database = `bench_${base.shape.name}`;
  // Inside the target server's directory: removed with it, however this process ends.
  const directory = join(pair.target.directory, "bench");
  await mkdir(directory, { recursive: true });
  await recreateDatabase(pair.source, database, base.source.name);
  await recreateDatabase(pair.target, database, tool.startsEmpty ? "template0" : base.source.name);
  const site: Site = { source: pair.source, target: pair.target, database, directory, timeoutMs };
  try {
    const follower = await tool.attach(site);
    try {
      await withClient(site.target, database, async (client) => await client.query("vacuum (freeze, analyze)"));
      return await work(site, follower);
    } finally {
      await follower.detach();
    }
  } finally {
    await dropSlots(site);
    for (const server of [pair.source, pair.target]) {
      await backendsGone(server);
      await dropDatabase(server, database);
    }
    await rm(directory, { recursive: true, force: true });
  }
}

async function dropSlots({ source, database }: Site): Promise<void> {
  await withClient(source, "postgres", async (client) => {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { rows } = await client.query<{ isActive: boolean }>(
        `select case when active then pg_terminate_backend(active_pid) else pg_drop_replication_slot(slot_name) is not null end as done, active as "isActive"
         from pg_replication_slots where database = $1`,
        [database],
      );
      if (!rows.some((slot) => slot.isActive)) return;
      await sleep(50);
    }
  });
}
