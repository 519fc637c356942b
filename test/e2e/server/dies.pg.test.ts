import { afterAll, beforeAll, expect, it } from "vitest";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { dieAt } from "./die-at.ts";

let source: EmbeddedServer;
let target: EmbeddedServer;

beforeAll(async () => void ([source, target] = await Promise.all([startServer({ major: OUTER_MAJORS[0]! }), startServer({ major: OUTER_MAJORS.at(-1)! })])));
afterAll(async () => void (await Promise.all([source[Symbol.asyncDispose](), target[Symbol.asyncDispose]()])));

it("a server that is killed in the middle of the copy and started again goes on with its task, and tells the truth", async () => {
  expect(await dieAt("chunk committed 2", source, target)).toEqual({ died: true, isEqual: true });
});
