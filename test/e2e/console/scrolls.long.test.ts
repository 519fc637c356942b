/// <reference lib="dom" />
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { ADMIN } from "../../kit/serve.ts";
import { type LargeSite, PERSON, TABLES, TASKS, openLargeSite } from "../server/large-site.ts";
import { type LargeStream, openLargeStream } from "../server/large-stream.ts";

const chromium = findChromium();
const TURNS = 200;
/** Pixels of one turn of the wheel, and how often it is turned: 200 turns pass over some thousand rows, so that further pages are asked for meanwhile. */
const TURN = 700;
const TURN_EVERY_MS = 25;

let browser: Browser;
let site: LargeSite;
let stream: LargeStream;

/** What an eye sees: at most one of twenty frames comes later than the 30 of a second, and none stands for long. */
describe.skipIf(chromium === undefined)(`scrolling through ${TABLES} tables, their changes, and a list of ${TASKS} tasks, is smooth`, () => {
  beforeAll(async () => {
    buildConsole();
    [site, stream] = await Promise.all([openLargeSite(), openLargeStream(TABLES)]);
    browser = await openBrowser(chromium!);
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([site[Symbol.asyncDispose](), stream[Symbol.asyncDispose]()]);
  });

  it.each([
    { what: "tables", at: () => ({ url: site.url, path: `/tasks/${site.large}?tab=tables` }), person: PERSON, row: "[role=rowgroup] [role=row]", box: ".table-box" },
    { what: "changes", at: () => ({ url: stream.server.url, path: `/tasks/${stream.id}?tab=changes` }), person: ADMIN, row: "[role=rowgroup] [role=row]", box: ".table-box" },
    { what: "tasks", at: () => ({ url: site.url, path: "/tasks" }), person: PERSON, row: "tbody tr", box: undefined },
  ])("$what", async ({ what, at, person, row, box }) => {
    const { url, path } = at();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`${url}/login`);
    await page.locator("input").first().fill(person.name);
    await page.locator("input[type=password]").fill(person.password);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/tasks/);
    await page.goto(url + path);
    await page.locator(row).first().waitFor();
    if (box !== undefined) await page.locator(box).hover();
    const before = await page.locator(row).first().textContent();
    const frames = await framesWhile(page, async () => {
      for (let turn = 0; turn < TURNS; turn++) {
        await page.mouse.wheel(0, box === undefined && turn % 2 === 1 ? -TURN : TURN);
        await page.waitForTimeout(TURN_EVERY_MS);
      }
    });
    const sorted = frames.toSorted((left, right) => left - right);
    const [median, late, longest] = [0.5, 0.95, 1].map((part) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!));
    console.log(`${what}: ${sorted.length} frames, median ${median} ms, 95 % within ${late} ms, the longest ${longest} ms`);
    const after = await page.locator(row).first().textContent();
    expect(after === before).toBe(box === undefined); // the rows of many tables are other ones now
    expect(late).toBeLessThanOrEqual(34);
    expect(longest).toBeLessThan(250);
    await page.close();
  });
});

/** The times between frames, in milliseconds. */
async function framesWhile(page: Page, work: () => Promise<void>): Promise<number[]> {
  await page.evaluate(() => {
    const kept = globalThis as unknown as { frames: number[]; isWatching: boolean };
    kept.frames = [];
    kept.isWatching = true;
    let last = performance.now();
    const look = (now: number): void => {
      kept.frames.push(now - last);
      last = now;
      if (kept.isWatching) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await work();
  return await page.evaluate(() => {
    const kept = globalThis as unknown as { frames: number[]; isWatching: boolean };
    kept.isWatching = false;
    return kept.frames.slice(1);
  });
}
