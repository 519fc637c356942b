import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverDesk } from "../../../src/cli/desk/server-desk.ts";
import { EventReader } from "../../kit/event-reader.ts";
import { type LargeSite, TABLES, TASKS, openLargeSite } from "./large-site.ts";
import { type LargeStream, openLargeStream } from "./large-stream.ts";

const WATCHERS = 50;
const MOST_MS = 300;
/** Clock ticks of /proc: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;

let site: LargeSite;

/** The median of eleven answers, in milliseconds. */
async function medianMs(path: string): Promise<number> {
  return await medianOf(async () => {
    const response = await fetch(site.url + path, { headers: site.headers });
    await response.text();
    return response.status;
  });
}

async function medianOf(ask: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 11; at++) {
    const since = performance.now();
    expect(await ask()).toBe(200);
    times.push(performance.now() - since);
  }
  return times.sort((a, b) => a - b)[5]!;
}

describe(`${TASKS} tasks, one of ${TABLES} tables`, () => {
  beforeAll(async () => {
    site = await openLargeSite();
  });
  afterAll(async () => await site[Symbol.asyncDispose]());

  it.each(["/api/tasks?limit=50", "/api/tasks?limit=500&sort=name", "/api/tasks?search=task%209&state=draft&tag=team%3Dt3&offset=10", "/metrics"])(
    `answers %s within ${MOST_MS} ms`,
    async (path) => {
      const ms = await medianMs(path);
      console.log(`${path}: ${ms.toFixed(0)} ms`);
      expect(ms).toBeLessThan(MOST_MS);
    },
  );

  it.each(["", "/tables?limit=1000", "/tables?limit=200&offset=19000&sort=name", "/tables?search=t199&state=waiting", "/logs?level=debug&limit=1000", "/logs?search=made%20table%2059", "/checks", "/history?minutes=1440"])(
    `answers a task's %s within ${MOST_MS} ms`,
    async (path) => {
      const ms = await medianMs(`/api/tasks/${site.large}${path}`);
      console.log(`${path}: ${ms.toFixed(0)} ms`);
      expect(ms).toBeLessThan(MOST_MS);
    },
  ); // prettier-ignore

  it(`is watched by ${WATCHERS} at rest, for at most 5 % of a core`, async () => {
    const tasks = ((await (await fetch(`${site.url}/api/tasks?limit=50`, { headers: site.headers })).json()) as { tasks: { id: string }[] }).tasks;
    await using stack = new AsyncDisposableStack();
    const readers = tasks
      .slice(0, WATCHERS)
      .map(({ id }, at) => stack.use(new EventReader(at % 2 === 0 ? `${site.url}/api/tasks/events` : `${site.url}/api/tasks/${id}/events`, site.headers)));
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const before = await cpuSeconds(site.serverPid);
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const share = ((await cpuSeconds(site.serverPid)) - before) / 30;
    console.log(`${readers.length} watchers: ${(100 * share).toFixed(1)} % of a core`);
    expect(readers.every(({ isEnded }) => !isEnded)).toBe(true);
    expect(share).toBeLessThan(0.05);
  });
});

describe(`changes of ${TABLES} tables`, () => {
  let stream: LargeStream;
  beforeAll(async () => {
    stream = await openLargeStream(TABLES);
  });
  afterAll(async () => await stream[Symbol.asyncDispose]());

  it.each([
    { query: { limit: 500 }, total: TABLES, first: "table_number_1" },
    { query: { limit: 1000, offset: 19_000, sort: "-skipped" }, total: TABLES, first: "table_number_9099" },
    { query: { limit: 500, search: "NUMBER_199", sort: "-insert" }, total: 111, first: "table_number_19999" },
  ])(`answers a page of them within ${MOST_MS} ms: $query`, async ({ query, total, first }) => {
    const { databases } = await stream.admin.call("getChanges", { params: { id: stream.id }, query: query as object });
    expect(databases).toMatchObject([{ database: "postgres", total, tables: expect.any(Array), conflicts: [] }]);
    expect(databases[0]!.tables).toHaveLength(Math.min(query.limit, total));
    expect(databases[0]!.tables[0]).toMatchObject({ name: first });
    const ms = await medianOf(async () => (await stream.admin.ask("getChanges", { params: { id: stream.id }, query })).status);
    console.log(`changes ${JSON.stringify(query)}: ${ms.toFixed(0)} ms`);
    expect(ms).toBeLessThan(MOST_MS);
  });

  it("gives all of them to the command line, page by page", async () => {
    const { token } = await stream.admin.call("createToken", { body: { name: "changes", role: "operator" } });
    await using desk = serverDesk(stream.server.url, token);
    const [{ database, tables } = { database: "", tables: [] }] = await desk.changes(stream.id, 10);
    expect({ database, names: new Set(tables.map(({ name }) => name)).size }).toEqual({ database: "postgres", names: TABLES });
  });
});

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
