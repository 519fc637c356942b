import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { precheckReference } from "./reference.ts";
import { CHECKS } from "./run-prechecks.ts";

it("is what docs/reference/prechecks.md says", async () => {
  await expect(precheckReference()).toMatchFileSnapshot("../../docs/reference/prechecks.md");
});

it("every check has an id of its own, which names its file and its test", () => {
  expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
  const missing = CHECKS.flatMap(({ id }) => [`${id}.ts`, `${id}.pg.test.ts`]).filter((file) => !existsSync(join(import.meta.dirname, "checks", file)));
  expect(missing).toEqual([]);
});
