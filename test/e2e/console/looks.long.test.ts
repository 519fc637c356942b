/// <reference lib="dom" />
import { readFile } from "node:fs/promises";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { ADMIN } from "../../kit/serve.ts";
import { type ConsoleSite, openConsoleSite } from "./console-site.ts";

const chromium = findChromium();
const SIZES = { desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 }, small: { width: 360, height: 740 } } as const;
/** https://www.w3.org/WAI/WCAG21/quickref/ */
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const SETTLED_MS = 1500;
/** What moves by itself within a second and a half of a live page; 0.1 is what browsers call good: https://web.dev/articles/cls */
const MOST_SHIFT = 0.02;

let browser: Browser;
let site: ConsoleSite;
let axe: string;

describe.skipIf(chromium === undefined)("every page of the console", () => {
  beforeAll(async () => {
    buildConsole();
    site = await openConsoleSite();
    browser = await openBrowser(chromium!);
    axe = await readFile(new URL("../../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
  });
  afterAll(async () => {
    await browser.close();
    await site[Symbol.asyncDispose]();
  });

  it.each([
    { scheme: "light", size: "desk", locale: "en-GB" },
    { scheme: "dark", size: "desk", locale: "en-GB" },
    { scheme: "light", size: "desk", locale: "zh-CN" },
    { scheme: "light", size: "phone", locale: "en-GB" },
    { scheme: "dark", size: "phone", locale: "zh-CN" },
    { scheme: "light", size: "small", locale: "zh-CN" },
  ] as const)("$scheme, $size, $locale: nothing overflows, nothing shifts, everybody can read it", async ({ scheme, size, locale }) => {
    const context = await browser.newContext({ viewport: SIZES[size], colorScheme: scheme, locale });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !/status of 40[14]/.test(message.text())) complaints.push(message.text());
    });
    await page.goto(`${site.server.url}/login`);
    await logIn(page);
    for (const [name, path] of Object.entries(site.pages)) {
      await page.goto(site.server.url + path);
      await page.waitForTimeout(SETTLED_MS);
      expect([name, await widths(page)]).toEqual([name, { overflow: 0 }]);
      expect([name, await unreadable(page, axe)]).toEqual([name, []]);
      const shift = await shiftOf(page);
      expect([name, shift.sum > MOST_SHIFT ? shift : "steady"]).toEqual([name, "steady"]);
    }
    expect(complaints).toEqual([]);
    await context.close();
  });
});

async function logIn(page: Page): Promise<void> {
  await page.locator("input").first().fill(ADMIN.name);
  await page.locator("input[type=password]").fill(ADMIN.password);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/tasks/);
}

async function widths(page: Page): Promise<{ overflow: number }> {
  return await page.evaluate(() => ({ overflow: Math.max(0, document.scrollingElement!.scrollWidth - window.innerWidth) }));
}

async function unreadable(page: Page, script: string): Promise<string[]> {
  await page.evaluate(script);
  return await page.evaluate(async (rules) => {
    const { axe: checker } = globalThis as unknown as { axe: { run(of: Document, options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } };
    const { violations } = await checker.run(document, { runOnly: rules });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  }, RULES);
}

/** How far things move without anybody touching them, once the page is there; and what moved, for whoever has to mend it. */
async function shiftOf(page: Page): Promise<{ readonly sum: number; readonly moved: readonly string[] }> {
  return await page.evaluate(
    async () =>
      await new Promise<{ sum: number; moved: string[] }>((resolve) => {
        let sum = 0;
        const moved: string[] = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as unknown as { value: number; sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] }[]) {
            sum += entry.value;
            for (const { node, previousRect, currentRect } of entry.sources) {
              moved.push(
                `${Math.round(previousRect.top)}..${Math.round(previousRect.bottom)} -> ${Math.round(currentRect.top)}..${Math.round(currentRect.bottom)}: ${node?.textContent?.slice(0, 80)}`,
              );
            }
          }
        }).observe({ type: "layout-shift", buffered: false });
        setTimeout(() => resolve({ sum: Math.round(sum * 1000) / 1000, moved }), 1500);
      }),
  );
}
