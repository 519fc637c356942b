/// <reference lib="dom" />
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, Page } from "playwright-core";
import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { reaches } from "../../kit/reaches.ts";
import { ADMIN, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const chromium = findChromium();
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } } as const;
const TABLES = 40;
/** As in looks.long.test.ts. */
const MOST_SHIFT = 0.02;
/** The curves are asked for every 5 seconds. */
const SETTLED_MS = 7000;

/** What has moved in each state of the task, by the label that the page shows. */
type Shifts = Record<string, { sum: number; moved: string[] }>;

it.skipIf(chromium === undefined)("a task's page stays where it is from the checks until the task is ready to complete", { timeout: 240_000 }, async () => {
  buildConsole();
  await using source = await startServer({ major: 18 });
  await using target = await startServer({ major: 18 });
  await using session = await openSession(parseEndpoint("source", source.uri()));
  for (let at = 0; at < TABLES; at++) {
    await session.query(`create table public.t${at} (id integer primary key, v text); insert into public.t${at} select i, repeat('x', 100) from generate_series(1, 4000) i`);
  }
  const server = await startServe({ directory: newStateDirectory() });
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => await server.stop());
  const admin = await server.logIn();
  const { id } = await admin.call("createTask", {
    body: { source: source.uri(), target: target.uri(), name: "steady", type: "full+incremental", acceptAlarms: true, concurrency: 6, rateLimit: 2_000_000 },
  });
  const browser = await openBrowser(chromium!);
  stack.defer(async () => await browser.close());
  const pages = { desk: await openTask(browser, "desk", server.url, id), phone: await openTask(browser, "phone", server.url, id) };
  await admin.call("actOnTask", { params: { id }, body: { action: "start" } });
  await Promise.all(Object.values(pages).map(watchShifts));
  await reaches(admin, id, "readyToComplete");
  await sleep(SETTLED_MS);
  for (const [size, page] of Object.entries(pages)) {
    const shifts = await page.evaluate(() => (globalThis as unknown as { shifts: Shifts }).shifts);
    console.log(`${size}: ${Object.entries(shifts).map(([state, { sum }]) => `${state} ${sum.toFixed(3)}`).join(", ")}`); // prettier-ignore
    expect([size, Object.entries(shifts).filter(([, { sum }]) => sum > MOST_SHIFT)]).toEqual([size, []]);
  }
});

async function openTask(browser: Browser, size: keyof typeof SIZES, url: string, id: string): Promise<Page> {
  const page = await browser.newPage({ viewport: SIZES[size], locale: "en-GB" });
  await page.goto(`${url}/login?next=/tasks/${id}`);
  await page.locator("input").first().fill(ADMIN.name);
  await page.locator("input[type=password]").fill(ADMIN.password);
  await page.keyboard.press("Enter");
  await page.locator(".tone", { hasText: "Draft" }).first().waitFor();
  return page;
}

/** From the checks on: that the page changes as somebody starts the task is what they expect. */
async function watchShifts(page: Page): Promise<void> {
  await page.locator(".tone", { hasText: /Checking|Preparing|Running/ }).first().waitFor(); // prettier-ignore
  await page.waitForTimeout(100);
  await page.evaluate(() => {
    const shifts: Shifts = {};
    (globalThis as unknown as { shifts: Shifts }).shifts = shifts;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as unknown as { value: number; sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] }[]) {
        const shift = (shifts[document.querySelector("main .tone")?.textContent ?? ""] ??= { sum: 0, moved: [] });
        shift.sum += entry.value;
        for (const { node, previousRect: from, currentRect: to } of entry.sources)
          shift.moved.push(`${Math.round(from.left)},${Math.round(from.top)} -> ${Math.round(to.left)},${Math.round(to.top)}: ${node?.textContent?.slice(0, 60)}`);
      }
    }).observe({ type: "layout-shift", buffered: false });
  });
}
