import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTasks } from "../../../src/task/open-tasks.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { taskOptions } from "../../kit/checks.ts";
import { EventReader } from "../../kit/event-reader.ts";
import { spawnCli, type RunningCli } from "../../../src/cli/spawn-cli.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const TASKS = 1000;
const TABLES = 20_000;
const WATCHERS = 50;
const MOST_MS = 300;
/** Clock ticks of /proc: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICKS_PER_SECOND = 100;

let server: RunningCli;
let url: string;
let headers: Record<string, string>;
let large: string;

/** A store with many tasks, one of them of many tables, and `godwit serve` in a process of its own. */
beforeAll(async () => {
  const dir = newStateDirectory();
  {
    await using opened = await openTasks({ store: { dir } });
    const options = taskOptions(parseEndpoint("source", "postgresql://a@old/shop"), parseEndpoint("target", "postgresql://a@new/shop"));
    const ids: string[] = [];
    for (let at = 0; at < TASKS; at++) {
      const { id } = await opened.tasks.create({ name: `task ${at}`, options, tags: { team: `t${at % 7}` } });
      await opened.tasks.log(id, "info", "made");
      ids.push(id);
    }
    large = ids[0]!;
    await opened.tasks.planTables(
      large,
      "shop",
      Array.from({ length: TABLES }, (_, at) => ({ name: `public.t${at}`, size: (at * 7919) % 1_000_003, isCopied: at % 3 === 0 })),
    );
    await opened.queries.query("insert into godwit.task_log (task_id, level, message) select $1, 'debug', 'made table ' || i from generate_series(1, 60000) i", [large]);
    await opened.queries.query("vacuum analyze godwit.task, godwit.task_log, godwit.task_table", []);
  }
  server = spawnCli(["serve", "--dir", dir, "--listen", "127.0.0.1:0", "--json", "--no-worker"], {});
  await server.saw("setupUrl");
  const setup = new URL((/"setupUrl":"([^"]+)"/.exec(server.output().stdout) ?? [])[1] ?? "");
  url = setup.origin;
  const post = async (path: string, body: object, more: Record<string, string> = {}): Promise<Response> =>
    await fetch(url + path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json", ...more } });
  const session = await post("/api/setup", { token: setup.searchParams.get("token"), name: "ada", password: "a long password" });
  const cookie = (session.headers.get("set-cookie") ?? "").split(";")[0]!;
  const made = await post("/api/tokens", { name: "scale", role: "viewer" }, { cookie, "x-csrf-token": ((await session.json()) as { csrfToken: string }).csrfToken });
  headers = { authorization: `Bearer ${((await made.json()) as { token: string }).token}` };
});
afterAll(async () => {
  server.process.kill("SIGTERM");
  await server.finished;
});

/** The median of eleven answers, in milliseconds. */
async function medianMs(path: string): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < 11; at++) {
    const since = performance.now();
    const response = await fetch(url + path, { headers });
    await response.text();
    expect(response.status).toBe(200);
    times.push(performance.now() - since);
  }
  return times.sort((a, b) => a - b)[5]!;
}

describe(`${TASKS} tasks, one of ${TABLES} tables`, () => {
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
      const ms = await medianMs(`/api/tasks/${large}${path}`);
      console.log(`${path}: ${ms.toFixed(0)} ms`);
      expect(ms).toBeLessThan(MOST_MS);
    },
  ); // prettier-ignore

  it(`is watched by ${WATCHERS} at rest, for at most 5 % of a core`, async () => {
    const tasks = ((await (await fetch(`${url}/api/tasks?limit=50`, { headers })).json()) as { tasks: { id: string }[] }).tasks;
    await using stack = new AsyncDisposableStack();
    const readers = tasks.slice(0, WATCHERS).map(({ id }, at) => stack.use(new EventReader(at % 2 === 0 ? `${url}/api/tasks/events` : `${url}/api/tasks/${id}/events`, headers)));
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const before = await cpuSeconds(server.process.pid!);
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const share = ((await cpuSeconds(server.process.pid!)) - before) / 30;
    console.log(`${readers.length} watchers: ${(100 * share).toFixed(1)} % of a core`);
    expect(readers.every(({ isEnded }) => !isEnded)).toBe(true);
    expect(share).toBeLessThan(0.05);
  });
});

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
