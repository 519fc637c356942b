import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { CheckContext } from "./context.ts";
import { precheckReference } from "./reference.ts";
import { CHECKS } from "./run-prechecks.ts";

it("is what docs/reference/prechecks.md says", async () => {
  await expect(precheckReference()).toMatchFileSnapshot("../../docs/reference/prechecks.md");
});

it("checks that are said to be for full+incremental are asked for that type only", () => {
  const context = (type: "full" | "full+incremental"): CheckContext => ({ options: { type } }) as CheckContext;
  const ofStreams = CHECKS.filter(({ about }) => about.startsWith("For full+incremental."));
  expect(ofStreams).toHaveLength(9);
  expect(ofStreams.map(({ appliesTo }) => [appliesTo?.(context("full")), appliesTo?.(context("full+incremental"))])).toEqual(ofStreams.map(() => [false, true]));
});

it("every check has an id of its own, which names its file and its test", () => {
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
  const missing = CHECKS.flatMap(({ id }) => [`${id}.ts`, `${id}.pg.test.ts`]).filter((file) => !existsSync(join(import.meta.dirname, "checks", file)));
  expect(missing).toEqual([]);
});
