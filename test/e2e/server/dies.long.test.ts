import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { FAILPOINTS } from "../../../src/errors/failpoint.ts";
import { buildConsole, findChromium, openBrowser } from "../../kit/browser.ts";
import { dieAt } from "./die-at.ts";

let source: EmbeddedServer;
let target: EmbeddedServer;
let browser: Browser;

beforeAll(async () => {
  buildConsole();
  [source, target, browser] = await Promise.all([startServer({ major: 14 }), startServer({ major: 18 }), openBrowser(findChromium()!)]);
});
afterAll(async () => void (await Promise.all([browser.close(), source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()])));

/** Not on the way of this migration, or not always: no backlog, and positions are stored with what is applied. */
const ELSEWHERE = new Set(["round received", "position settled"]);

describe.skipIf(findChromium() === undefined)("a server that is killed and started again goes on with its task, and an open page of the console tells the truth", () => {
  it.each(FAILPOINTS.filter((name) => !ELSEWHERE.has(name)))("at: %s", async (failpoint) => {
    const { shown, ...rest } = await dieAt(failpoint, source, target, browser);
    expect([rest, shown?.[0], shown?.[1]]).toEqual([{ died: true, isEqual: true }, expect.stringMatching(/^(?:readyToComplete|completing|succeeded)$/), "succeeded"]);
  });
});
