import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { words } from "../../../console/src/text/en/words.ts";
import { type RunningCli, spawnCli } from "../../kit/spawn-cli.ts";
import type { Failpoint } from "../../../src/errors/failpoint.ts";
import type { TaskDetail } from "../../../src/server/contract/task.ts";
import type { VerificationDetail } from "../../../src/server/contract/task-details.ts";
import { type EmbeddedServer, freePort } from "../../../src/embedded/server.ts";
import { runOnce } from "../../kit/run-once.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

/**
 * A task of a `godwit serve` that is killed (kill -9) at one moment of a fenced full+incremental migration and started again: whoever watched by the API finds
 * the task where it stands, with the same login, and it goes on to its end by itself. `died`: the moment was reached. With a browser, the task's page stays open all the
 * time, and nobody reloads it: `shown` are the states that it came to show where the task waits for somebody.
 */
export async function dieAt(
  failpoint: Failpoint | `${Failpoint} ${number}`,
  source: EmbeddedServer,
  target: EmbeddedServer,
  browser?: Browser,
): Promise<{ readonly died: boolean; readonly isEqual: boolean; readonly shown?: readonly string[] }> {
  const name = `d${Math.random().toString(36).slice(2, 8)}`;
  for (const server of [source, target]) await runOnce(server.uri(), `create database ${name}`);
  // b stays without statistics: what has some at the source brings them along, and nothing is gathered.
  await runOnce(
    source.uri(name),
    "create table a (id int primary key, v text); insert into a select i, repeat('x', 500) from generate_series(1, 3000) i; create table b (id serial primary key, a int references a) with (autovacuum_enabled = off); insert into b (a) select generate_series(1, 100); create index on a (v); create view w as select id from a; create materialized view m as select count(*) as n from a; select lo_from_bytea(0, 'large')",
  );
  const [dir, port] = [newStateDirectory(), await freePort()];
  const start = async (environment: Record<string, string>): Promise<RunningCli> => {
    const server = spawnCli(["serve", "--dir", dir, "--listen", `127.0.0.1:${port}`], environment);
    await server.saw("listens at");
    return server;
  };
  let server = await start({ GODWIT_FAILPOINT: failpoint, GODWIT_PART_BYTES: "200000" });
  const stopWriting = new AbortController();
  let page: Page | undefined;
  let written = 3000;
  const writing = (async () => {
    while (!stopWriting.signal.aborted) {
      await runOnce(source.uri(name), `insert into a values (${++written}, 'new'); update a set v = v || 'y' where id % 10 = ${written % 10} and id < 200`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  try {
    await server.saw("/setup?token=");
    const token = /token=([\w-]+)/.exec(server.output().stdout)?.[1];
    const url = `http://127.0.0.1:${port}`;
    const session = await fetch(`${url}/api/setup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, name: "ada", password: "a long password" }),
    });
    const headers = {
      "content-type": "application/json",
      cookie: (session.headers.get("set-cookie") ?? "").split(";")[0]!,
      "x-csrf-token": ((await session.json()) as { csrfToken: string }).csrfToken,
    };
    let restarts = 0;
    // Who asks in the moment of its death starts it again, as a service manager would.
    const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
      for (;;) {
        try {
          const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
          const answer = (await response.json()) as T & { error?: { code: string } };
          // An action whose answer was lost is refused when it is asked for again: it was done.
          if (response.status === 409 && answer.error?.code === "action-refused") return answer;
          expect([response.status, answer]).toEqual([200, answer]);
          return answer;
        } catch (error) {
          if (!(error instanceof TypeError)) throw error;
          await server.finished;
          restarts++;
          server = await start({});
        }
      }
    };
    // Started by itself: making it once more would make two that want the same target.
    const { id } = await ask<TaskDetail>("POST", "/api/tasks", { source: source.uri(name), target: target.uri(name), type: "full+incremental", fence: true, acceptAlarms: true });
    page = await openTask(browser, url, id, headers.cookie);
    await ask("POST", `/api/tasks/${id}/actions`, { action: "start" });
    const reaches = async (state: string): Promise<void> => {
      await expect.poll(async () => (await ask<TaskDetail>("GET", `/api/tasks/${id}`)).state, { timeout: 60_000, interval: 50 }).toBe(state);
    };
    const isDone = async (): Promise<boolean> => ["readyToComplete", "completing", "succeeded"].includes((await ask<TaskDetail>("GET", `/api/tasks/${id}`)).state);
    await expect.poll(isDone, { timeout: 60_000, interval: 50 }).toBe(true);
    const { state: waiting } = await ask<TaskDetail>("GET", `/api/tasks/${id}`);
    const shown = [await stateShown(page, waiting)];
    stopWriting.abort();
    await writing;
    await ask("POST", `/api/tasks/${id}/actions`, { action: "complete" });
    await reaches("succeeded");
    shown.push(await stateShown(page, "succeeded"));
    const { id: comparison } = await ask<{ id: string }>("POST", `/api/tasks/${id}/verifications`, {});
    const state = async (): Promise<string> => (await ask<VerificationDetail>("GET", `/api/tasks/${id}/verifications/${comparison}`)).state;
    await expect.poll(state, { timeout: 60_000 }).toMatch(/equal|different|failed/);
    return { died: restarts > 0, isEqual: (await state()) === "equal", ...(page === undefined ? {} : { shown }) };
  } finally {
    await page?.context().close();
    stopWriting.abort();
    await writing;
    server.process.kill("SIGTERM");
    await server.finished;
    for (const one of [source, target]) await runOnce(one.uri(), `drop database ${name}`);
  }
}

async function openTask(browser: Browser | undefined, url: string, id: string, cookie: string): Promise<Page | undefined> {
  if (browser === undefined) return undefined;
  const context = await browser.newContext({ locale: "en-GB" });
  const [name, value] = cookie.split("=") as [string, string];
  await context.addCookies([{ name, value, url }]);
  const page = await context.newPage();
  await page.goto(`${url}/tasks/${id}`);
  await page.getByText(words.state.draft, { exact: true }).first().waitFor();
  return page;
}

/** The state that the page comes to show, connected again; what it shows instead of the one that is true after a minute. */
async function stateShown(page: Page | undefined, state: TaskDetail["state"]): Promise<string> {
  if (page === undefined) return state;
  const isTrue = page.getByRole("heading", { level: 1 }).locator("xpath=..").getByText(words.state[state], { exact: true });
  const isTold = await isTrue.waitFor({ timeout: 60_000 }).then(
    () => true,
    () => false,
  );
  const isLost = await page
    .getByText(/Reconnecting/)
    .first()
    .isVisible();
  return isTold && !isLost ? state : `${isLost ? "lost: " : ""}${await page.locator("body").innerText()}`.slice(0, 500);
}
