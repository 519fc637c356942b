/// <reference lib="dom" />
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../../../src/embedded/server.ts";
import { findChromium, openBrowser } from "../../kit/browser.ts";
import { ADMIN, type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const chromium = findChromium();
const STEP_MS = 10_000;
const TASKS = 52;
const PAGE = 50;

let browser: Browser;
let context: BrowserContext;
let page: Page;
/** Shows a task that is deleted meanwhile; a server tells of that within ten seconds. */
let gone: Page;
let server: TestServer;
let admin: Client;
let ids: string[];
/** The console as it is now, built to a place of its own: other tests build it at the same time. */
let built: string;
const directory = newStateDirectory();
let port: number;
/** Nothing is answered, as when the whole machine is gone. */
let isAway = false;
const complaints: string[] = [];

async function start(): Promise<void> {
  server = await startServe({ directory, port });
  isAway = false;
}

async function stop(): Promise<void> {
  isAway = true;
  await server.stop();
}

/** Drafts, of servers that are not there. */
async function makeDraft(name: string): Promise<string> {
  const { id } = await admin.call("createTask", { body: { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://b@127.0.0.1:1/b", name, type: "full", start: false } });
  return id;
}

async function remove(gone: readonly string[]): Promise<void> {
  await admin.call("actOnTasks", { body: { ids: [...gone], action: "terminate" } });
  const stateOf = async (id: string): Promise<string> => (await admin.call("getTask", { params: { id } })).state;
  for (const id of gone) {
    while ((await stateOf(id)) !== "terminated") await sleep(50);
    await admin.call("deleteTask", { params: { id } });
  }
}

describe.skipIf(chromium === undefined)("the console, left to itself", () => {
  beforeAll(async () => {
    built = mkdtempSync(join(tmpdir(), "godwit-console-"));
    const cwd = fileURLToPath(new URL("../../../console", import.meta.url));
    execFileSync("npx", ["vite", "build", "--logLevel", "error", "--outDir", built, "--emptyOutDir"], { cwd, env: { ...process.env, NODE_ENV: "production" } });
    port = await freePort();
    [browser] = await Promise.all([openBrowser(chromium!), start()]);
    admin = await server.logIn();
    ids = [];
    for (let number = 1; number <= TASKS; number++) ids.push(await makeDraft(`draft ${number}`));
    context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB" });
    context.setDefaultTimeout(STEP_MS);
    await context.route(
      ({ pathname }) => !pathname.startsWith("/api/"),
      async (route) => {
        if (isAway) return await route.abort("connectionrefused");
        const path = join(built, new URL(route.request().url()).pathname);
        return await route.fulfill({ path: path.includes(".") && existsSync(path) && path !== `${built}/` ? path : join(built, "index.html") });
      },
    );
    // A browser without windows shows all of its tabs.
    await context.addInitScript(() => {
      let isHidden = false;
      Object.defineProperty(document, "visibilityState", { get: () => (isHidden ? "hidden" : "visible") });
      Object.assign(window, {
        hide: (hides: boolean) => {
          isHidden = hides;
          document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        },
      });
    });
    page = await openPage("/login");
    await page.locator("input").first().fill(ADMIN.name);
    await page.locator("input[type=password]").fill(ADMIN.password);
    await page.keyboard.press("Enter");
    await page.getByText(`${TASKS} tasks`).waitFor();
    const id = await makeDraft("soon gone");
    gone = await openPage(`/tasks/${id}`);
    await gone.getByRole("heading", { name: "soon gone" }).waitFor();
    await remove([id]);
  });
  afterAll(async () => {
    await browser.close();
    await server.stop();
    rmSync(built, { recursive: true, force: true });
  });
  beforeEach(async () => {
    page = await openPage("/tasks");
  });
  afterEach(async () => {
    for (const open of context.pages()) if (open !== gone) await open.close();
  });

  async function openPage(path: string): Promise<Page> {
    const opened = await context.newPage();
    opened.on("pageerror", (error) => complaints.push(error.message));
    await opened.goto(server.url + path);
    return opened;
  }
  const hide = async (which: Page, hides: boolean): Promise<void> => await which.evaluate((value) => (window as unknown as { hide(is: boolean): void }).hide(value), hides);

  it("listens only in the tab that is shown, and catches up when another one is", async () => {
    const log = await openPage(`/tasks/${ids[0]}?tab=logs`);
    await log.getByRole("log").or(log.getByText("The log is empty.")).waitFor();
    await hide(log, true);
    for (let tab = 0; tab < 4; tab++) {
      const other = await openPage("/tasks");
      await other.getByText(`${TASKS} tasks`).waitFor();
      await hide(other, true);
    }
    await page.getByRole("link", { name: `draft ${TASKS}`, exact: true }).click();
    await page.getByRole("heading", { name: `draft ${TASKS}` }).waitFor({ timeout: 3000 });
    await admin.call("actOnTask", { params: { id: ids[0]! }, body: { action: "terminate" } });
    await expect.poll(async () => (await admin.call("getTask", { params: { id: ids[0]! } })).state).toBe("terminated");
    expect(await log.getByText(/terminated/i).count()).toBe(0);
    await hide(log, false);
    await log.locator("main").getByText("Terminated", { exact: true }).waitFor();
    await log.getByRole("log").getByText(/terminat/i).first().waitFor(); // prettier-ignore
    expect(await log.getByText(/Reconnecting/).count()).toBe(0);
  });

  it("says that a task is not there any more, on the page that shows it", async () => {
    await gone.getByText("There is no such task").waitFor({ timeout: 20_000 });
    expect(await gone.getByText(/Reconnecting/).count()).toBe(0);
    await gone.locator("main").getByRole("link", { name: "Show all tasks" }).click();
    await gone.getByText(`${TASKS} tasks`).waitFor();
    await gone.close();
  });

  it("goes on when the server is back: with a page asked for meanwhile, and with one loaded meanwhile", async () => {
    const fresh = await openPage("/tasks");
    await fresh.getByText(`${TASKS} tasks`).waitFor();
    await stop();
    await page.getByRole("link", { name: `draft ${TASKS}`, exact: true }).click();
    await page.getByText("Godwit's server cannot be reached.").waitFor();
    isAway = false;
    await fresh.reload();
    await fresh.getByText("Godwit's server cannot be reached.").waitFor();
    await start();
    await page.getByRole("heading", { name: `draft ${TASKS}` }).waitFor();
    await fresh.getByText(`${TASKS} tasks`).waitFor();
    await page.getByText("Godwit's server cannot be reached.").waitFor({ state: "hidden" });
  });

  it("sends of the settings of a task only what was changed here", async () => {
    const id = ids.at(-2)!;
    await page.goto(`${server.url}/tasks/${id}?tab=settings`);
    await page.getByLabel("Name").fill("named here");
    await admin.call("changeSettings", { params: { id }, body: { concurrency: 7, tags: { by: "another" } } });
    await page.getByText("by=another").first().waitFor({ timeout: 15_000 });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "named here" }).waitFor();
    expect(await admin.call("getTask", { params: { id } })).toMatchObject({ name: "named here", concurrency: 7, tags: { by: "another" } });
  });

  it("asks once for what is clicked twice", async () => {
    const before = await admin.call("listTasks", { query: { limit: 500 } });
    const sent: string[] = [];
    await page.route("**/api/tasks**", async (route) => {
      const request = route.request();
      if (request.method() !== "GET") sent.push(`${request.method()} ${new URL(request.url()).pathname}`);
      await sleep(300);
      await route.continue();
    });
    await page.goto(`${server.url}/tasks/new?similar=${ids[0]}`);
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByRole("button", { name: "Continue anyway" }).click();
    await page.getByText("Objects at the source").first().waitFor();
    await page.getByRole("button", { name: "Next" }).dblclick({ delay: 60 });
    await page.waitForURL(/task=/);
    await expect.poll(() => sent.length).toBeGreaterThan(1);
    await sleep(1000);
    const { tasks } = await admin.call("listTasks", { query: { limit: 500 } });
    const made = tasks.filter(({ id }) => !before.tasks.some((task) => task.id === id)).map(({ id }) => id);
    expect(sent).toEqual(["POST /api/tasks", `POST /api/tasks/${made[0]}/actions`]);
    expect(made.length).toBe(1);
    await remove(made);
  });

  it("asks for no tag that is half typed", async () => {
    await page.getByLabel("Filter by tag").fill("fre");
    await page.waitForURL(/tag=fre$/);
    await page.getByText(`${TASKS} tasks`).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });

  it("asks for the tables of a task until it has ended, and once more then", async () => {
    const id = await makeDraft("with tables");
    let total = 0;
    await page.route("**/api/tasks/*/tables?*", async (route) => {
      const tables = Array.from({ length: total }, (_, at) => ({ database: "a", table: `public.t${at}`, size: 1, rows: 1, bytes: 1, seconds: 1, isCopied: true }));
      await route.fulfill({ json: { total, tables } });
    });
    await page.goto(`${server.url}/tasks/${id}?tab=tables`);
    await page.getByText("No table is planned yet.").waitFor();
    total = 1;
    await page.getByText("1 table", { exact: true }).waitFor();
    total = 2;
    await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    await page.locator("main").getByText("Terminated", { exact: true }).waitFor();
    await page.getByText("2 tables", { exact: true }).waitFor();
    await admin.call("deleteTask", { params: { id } });
  });

  it("goes to the last page there is", async () => {
    await page.goto(`${server.url}/tasks?page=2`);
    await page.getByRole("link", { name: "draft 1", exact: true }).waitFor();
    await remove(ids.slice(0, TASKS - PAGE));
    await page.getByRole("link", { name: `draft ${TASKS}`, exact: true }).waitFor();
    await page.waitForURL(/\/tasks$/);
    await makeDraft("one more");
    await page.goto(`${server.url}/tasks?page=1e9`);
    await page.waitForURL(/\?page=2$/);
    await page.getByRole("link", { name: `draft ${TASKS - PAGE + 1}`, exact: true }).waitFor();
  });

  it("keeps the focus of whoever has no mouse, and the width of a narrow phone", async () => {
    const focused = async (): Promise<string> => await page.evaluate(() => `${document.activeElement?.tagName} ${document.activeElement?.textContent}`);
    const press = async (name: string): Promise<void> => await page.getByRole("button", { name, exact: true }).press("Enter");
    await page.getByRole("link", { name: `draft ${TASKS}`, exact: true }).press("Enter");
    await expect.poll(focused).toBe(`H1 draft ${TASKS}`);
    await page.getByRole("link", { name: "Create similar" }).press("Enter");
    await press("Next");
    await press("Continue anyway");
    await expect.poll(focused).toMatch(/^H2 Step 2 of 4/);
    await press("Back");
    await expect.poll(focused).toMatch(/^H2 Step 1 of 4/);
    for (const path of ["/tasks", `/tasks/${ids.at(-1)}`, "/tasks/new", "/settings/accounts"]) {
      await page.goto(server.url + path);
      await page.locator("h1").waitFor();
      for (const width of [375, 360, 320]) {
        await page.setViewportSize({ width, height: 740 });
        expect([path, width, await page.evaluate(() => document.scrollingElement!.scrollWidth)]).toEqual([path, width, width]);
      }
    }
    expect(complaints).toEqual([]);
  });
});
