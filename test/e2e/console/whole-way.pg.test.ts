import { Client } from "pg";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningCli, spawnCli } from "../../kit/spawn-cli.ts";
import { type EmbeddedServer, freePort, startServer } from "../../../src/embedded/server.ts";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { runOnce } from "../../kit/run-once.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const chromium = findChromium();
const STEP_MS = 60_000;

let browser: Browser;
let page: Page;
let server: RunningCli;
let source: EmbeddedServer;
let target: EmbeddedServer;
let directory: string;
let port: number;
const stopWriting = new AbortController();
let writing: Promise<void>;
/** What the page has complained of. */
const complaints: string[] = [];

async function start(): Promise<RunningCli> {
  const running = spawnCli(["serve", "--dir", directory, "--listen", `127.0.0.1:${port}`]);
  await running.saw("listens at");
  return running;
}

describe.skipIf(chromium === undefined)("the console, in a browser, against real servers", () => {
  beforeAll(async () => {
    buildConsole();
    [source, target, port] = await Promise.all([startServer({ major: OUTER_MAJORS[0]! }), startServer({ major: OUTER_MAJORS.at(-1)! }), freePort()]);
    directory = newStateDirectory();
    server = await start();
    await runOnce(source.uri(), "create role shop_owner");
    await runOnce(source.uri(), "create database shop");
    await runOnce(target.uri(), "create database shop");
    await runOnce(
      source.uri("shop"),
      "create table goods (id int primary key, name text); alter table goods owner to shop_owner; insert into goods select i, 'thing ' || i from generate_series(1, 20000) i",
    );
    writing = (async () => {
      for (let id = 20_001; !stopWriting.signal.aborted; id++) {
        await runOnce(source.uri("shop"), `insert into goods values (${id}, 'new')`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    browser = await openBrowser(chromium!);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: "en-GB" });
    page.setDefaultTimeout(STEP_MS);
    page.on("pageerror", (error) => complaints.push(error.message));
  });
  afterAll(async () => {
    stopWriting.abort();
    await writing;
    await browser.close();
    server.process.kill("SIGTERM");
    await server.finished;
    await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()]);
  });

  const button = (name: string | RegExp): ReturnType<Page["getByRole"]> => page.getByRole("button", { name, exact: typeof name === "string" });
  const state = (name: string): Promise<void> => page.locator("header, main").getByText(name, { exact: true }).first().waitFor();
  /** A figure of the overview, as it stands on the page. */
  const figure = async (label: string): Promise<string> => await page.getByText(label, { exact: true }).first().locator("xpath=following-sibling::*[1]").innerText();
  const confirm = async (name: string): Promise<void> => {
    await button(name).first().click();
    await page.getByRole("dialog").getByRole("button", { name, exact: true }).click();
  };

  it("makes the first account by the link, and leads to the first migration", async () => {
    await server.saw("/setup?token=");
    await page.goto(/(http:\S+\/setup\?token=\S+)/.exec(server.output().stdout)![1]!);
    await page.getByLabel("Name").fill("ada");
    await page.getByLabel("Password", { exact: true }).fill("correct horse battery");
    await page.getByLabel("Password again").fill("correct horse battery");
    await button("Create account").click();
    await page.getByText("Move your first database").waitFor();
  });

  it.each(["http://[", "https://elsewhere.example/tasks", "/login?next=/login", "/%6Cogin"])("leads to the list of tasks where a link's next address is %s", async (next) => {
    await page.goto(`${new URL(page.url()).origin}/login?${new URLSearchParams({ next }).toString()}`);
    await page.waitForURL("**/tasks");
    await page.getByText("Move your first database").waitFor();
    expect(complaints).toEqual([]);
  });

  it("creates a migration in four steps, and mends a failed check from the page", async () => {
    await page.getByRole("link", { name: "Create the first migration" }).or(button("Create the first migration")).click();
    for (const [side, uri] of [["Source", source.uri("shop")], ["Target", target.uri("shop")]] as const) {
      await page.getByRole("radiogroup", { name: `${side}: how to name it` }).getByText("URI").click();
      const card = page.getByRole("group", { name: side, exact: true });
      await card.getByLabel("Connection URI").fill(uri);
      await card.getByRole("button", { name: "Test connection" }).click();
      await card.getByText("Everything passed").waitFor();
    } // prettier-ignore
    await button("Next").click();
    await page.getByRole("radio", { name: "Structure, data and changes" }).click();
    await button("Next").click();
    await page.getByText(/1 failed, /).waitFor();
    await button("Run fix").first().click();
    await page
      .getByRole("dialog")
      .getByText(/create role "?shop_owner"?/i)
      .waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Run fix" }).click();
    await page.getByText(/0 failed, /).waitFor();
    expect(await runOnce(target.uri(), "select from pg_roles where rolname = 'shop_owner'")).toHaveLength(1);
    while ((await button("Accept alarm").count()) > 0) {
      const left = await button("Accept alarm").count();
      await confirm("Accept alarm");
      await expect.poll(async () => await page.getByRole("button", { name: "Accept alarm", exact: true }).count()).toBeLessThan(left);
    }
    await button("Next").click();
    await page.getByLabel("Name").fill("goods to the new server");
    await button("Start now").click();
  });

  it("shows the migration live: data, then changes with their lag; pauses and resumes", async () => {
    await page.getByRole("heading", { name: "goods to the new server" }).waitFor();
    await state("Ready to complete");
    await expect.poll(async () => await figure("Lag (time)"), { timeout: STEP_MS }).toBe("0s");
    const applied = Number((await figure("Changes applied")).replaceAll(",", ""));
    await expect.poll(async () => Number((await figure("Changes applied")).replaceAll(",", "")), { timeout: STEP_MS }).toBeGreaterThan(applied);
    // Somebody is in the way on the target: what the page shows grows, and is over when they are gone.
    const inTheWay = new Client({ connectionString: target.uri("shop") });
    await inTheWay.connect();
    await inTheWay.query("begin; lock table goods");
    await expect.poll(async () => await figure("Lag (WAL)"), { timeout: STEP_MS }).toMatch(/^[1-9]/);
    await expect.poll(async () => await figure("Lag (time)"), { timeout: STEP_MS }).toMatch(/^(?!0s)\d/);
    await inTheWay.end();
    await expect.poll(async () => await figure("Lag (time)"), { timeout: STEP_MS }).toBe("0s");
    await confirmOrClick("Pause");
    await state("Paused");
    await confirmOrClick("Resume");
    await state("Ready to complete");
    await page.getByRole("tab", { name: "Tables" }).click();
    await page.getByText("public.goods").first().waitFor();
    await page.getByRole("tab", { name: "Logs" }).click();
    await page
      .getByText(/copied public\.goods: 2\d{4} rows/)
      .first()
      .waitFor();
    await page.getByRole("tab", { name: "Verification" }).click();
    await button("Start verification").click();
    await page.getByText("Equal", { exact: true }).first().waitFor();
  });

  it("terminates a task that follows changes, and cleans up", async () => {
    const [address, { csrfToken }] = [page.url(), (await (await page.request.get(new URL("/api/session", page.url()).href)).json()) as { csrfToken: string }];
    await runOnce(target.uri(), "create database given_up");
    const made = await page.request.post(new URL("/api/tasks", address).href, {
      headers: { "x-csrf-token": csrfToken },
      data: { source: source.uri("shop"), target: target.uri("given_up"), type: "full+incremental", name: "given up", acceptAlarms: true, start: true },
    });
    const { id } = (await made.json()) as { id: string };
    await page.goto(new URL(`/tasks/${id}`, address).href);
    await state("Ready to complete");
    expect(await runOnce(source.uri(), "select from pg_replication_slots")).toHaveLength(2);
    await confirmOrClick("Terminate");
    await state("Terminated");
    expect(await runOnce(source.uri(), "select from pg_replication_slots")).toHaveLength(1);
    expect(await runOnce(source.uri("shop"), "select from pg_publication")).toHaveLength(1);
    await confirmOrClick("Delete");
    await page.waitForURL("**/tasks");
    await page.goto(address);
    await state("Ready to complete");
  });

  it("goes on by itself when the server is killed and started again", async () => {
    await page.getByRole("tab", { name: "Overview" }).click();
    server.process.kill("SIGKILL");
    await server.finished;
    await page
      .getByText(/Reconnecting/)
      .first()
      .waitFor();
    server = await start();
    await page
      .getByText(/Reconnecting/)
      .first()
      .waitFor({ state: "hidden" });
    await state("Ready to complete");
    const applied = await figure("Changes applied");
    await expect.poll(async () => await figure("Changes applied"), { timeout: STEP_MS }).not.toBe(applied); // it lives
  });

  it("completes, and hands out the report", async () => {
    stopWriting.abort();
    await writing;
    await confirm("Complete");
    await state("Succeeded");
    expect(await runOnce(target.uri("shop"), "select * from goods order by id")).toEqual(await runOnce(source.uri("shop"), "select * from goods order by id"));
    const report = page.getByRole("link", { name: "Report (HTML)" });
    const answer = await page.request.get(new URL((await report.getAttribute("href")) ?? "", page.url()).href);
    expect([answer.status(), await answer.text()]).toEqual([
      200,
      expect.stringMatching(/goods to the new server[^]*drained up to[^]*Sequences|goods to the new server[^]*Completed/),
    ]);
    await confirmOrClick("Delete");
    await page.getByText("Move your first database").waitFor();
  });

  it("terminates and deletes a draft", async () => {
    const { csrfToken } = (await (await page.request.get(new URL("/api/session", page.url()).href)).json()) as { csrfToken: string };
    const made = await page.request.post(new URL("/api/tasks", page.url()).href, {
      headers: { "x-csrf-token": csrfToken },
      data: { source: source.uri("shop"), target: target.uri("shop"), name: "a draft" },
    });
    expect(made.status()).toBe(200);
    await page.getByText("a draft").first().click();
    await confirmOrClick("Terminate");
    await state("Terminated");
    await confirmOrClick("Delete");
    await page.getByText("Move your first database").waitFor();
    expect(complaints).toEqual([]);
  });

  /** Where an action asks before it is done, it is said yes to. */
  async function confirmOrClick(name: string): Promise<void> {
    await button(name).first().click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor({ timeout: 1000 }).catch(() => undefined);
    if (await dialog.isVisible()) await dialog.getByRole("button", { name, exact: true }).click();
  }
});
