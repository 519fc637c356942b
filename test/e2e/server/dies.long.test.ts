import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { FAILPOINTS } from "../../../src/errors/failpoint.ts";
import { dieAt } from "./die-at.ts";

let source: EmbeddedServer;
let target: EmbeddedServer;

beforeAll(async () => void ([source, target] = await Promise.all([startServer({ major: 14 }), startServer({ major: 18 })])));
afterAll(async () => void (await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()])));

/** Not on the way of this migration: no fence, no large objects. */
const ELSEWHERE = new Set(["fence raised", "large objects copied", "round received", "position settled", "views filled"]);

describe("a server that is killed and started again goes on with its task, and tells the truth", () => {
  it.each(FAILPOINTS.filter((name) => !ELSEWHERE.has(name)))("at: %s", async (failpoint) => {
    expect(await dieAt(failpoint, source, target)).toEqual({ died: true, isEqual: true });
  });
});
