import { writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { INCREMENTAL_DEFAULTS } from "../../../src/plan/migration-options.ts";
import { act } from "../../../src/task/task-actions.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { onServer } from "../../kit/databases.ts";
import { runSql } from "../bad-input/own-server.ts";
import { type Pair, copied, create, newest, oldest, reaches, slowPair, taskSite, worker } from "./task-site.ts";

const site = taskSite();
const INCREMENTAL = { type: "full+incremental", incremental: INCREMENTAL_DEFAULTS } as const;
const OURS = `select slot_name as name from pg_replication_slots where database = current_database() union all select pubname from pg_publication`;

/** Copies, is paused in the middle, and has let go of everything. */
async function pausedInCopy(databases: Pair): Promise<string> {
  const { id } = await create(site, databases, { options: INCREMENTAL });
  const first = await worker(site);
  await act(site.tasks, site.control, id, "start");
  await copied(databases.target, 2);
  await act(site.tasks, site.control, id, "pause");
  await reaches(site, id, "paused");
  await first.leave();
  return id;
}

describe("a task that is given up", () => {
  it("waits for a source that is away for a moment, says so, and cleans it", async () => {
    await using server = await startServer({ major: oldest });
    const source = parseEndpoint("source", server.uri("postgres"));
    await runSql(server, "create table t as select n as id, repeat('x', 1000) as body from generate_series(1, 1000) n; alter table t add primary key (id)");
    const databases = await slowPair();
    const { id } = await create(site, databases, { options: { ...INCREMENTAL, concurrency: 1 }, endpoints: { source } });
    await worker(site);
    await act(site.tasks, site.control, id, "start");
    await reaches(site, id, "readyToComplete");
    await act(site.tasks, site.control, id, "pause");
    await reaches(site, id, "paused");
    expect(await runSql(server, OURS)).toHaveLength(2);
    process.kill(server.pid, "SIGINT");
    await expect.poll(async () => await runSql(server, "select").then(() => "up", () => "down"), { timeout: 10_000 }).toBe("down"); // prettier-ignore
    await act(site.tasks, site.control, id, "terminate");
    await expect.poll(async () => (await site.tasks.logs(id)).map(({ message }) => message).join("\n"), { timeout: 20_000 }).toMatch(/waits to take back what it has made: .*/);
    expect((await site.tasks.find(id)).state).toBe("terminating");
    await server.restart();
    expect(await reaches(site, id, "terminated")).toMatchObject({ error: null });
    expect(await runSql(server, OURS)).toEqual([]);
    expect(await databases.target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  });

  it("cleans the source also when the target database is gone", async () => {
    const databases = await slowPair();
    const id = await pausedInCopy(databases);
    expect(await databases.source.query(OURS)).toHaveLength(2);
    await onServer(newest, async (admin) => await admin.query(`drop database "${databases.target.name}" with (force)`));
    await worker(site);
    await act(site.tasks, site.control, id, "terminate");
    expect(await reaches(site, id, "terminated")).toMatchObject({ error: null });
    expect(await databases.source.query(OURS)).toEqual([]);
  });

  it("ends also when nobody can open its passwords any more, and tells what is left, with the statements that remove it", async () => {
    const databases = await slowPair();
    const id = await pausedInCopy(databases);
    await writeFile(join(site.dir, "secret.key"), `${randomBytes(32).toString("base64")}\n`);
    await worker(site);
    await act(site.tasks, site.control, id, "terminate");
    const { error } = await reaches(site, id, "terminated");
    expect(error).toMatchObject({ code: "left-behind", message: expect.stringContaining("secret-key-wrong") as string });
    const [onTarget, atSource] = [/on the target: (.*?;)/.exec(error!.advice)?.[1], /in each database: (.*;)/.exec(error!.advice)?.[1]];
    await databases.target.query(onTarget!);
    for (const statement of atSource!.split(/(?<=;) /)) await databases.source.query(statement);
    expect(await databases.source.query(OURS)).toEqual([]);
    expect(await databases.target.query("select nspname from pg_namespace where nspname = 'godwit'")).toEqual([]);
  });
});
