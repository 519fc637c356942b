import { expect, it } from "vitest";
import { unattended } from "./at-rest.ts";
import type { Task } from "./task-record.ts";

it("is said of tasks that follow changes, have begun, and have no run", () => {
  const options = { type: "full+incremental" } as Task["options"];
  const paused = { state: "paused", startedAt: new Date(), isHeld: false, options } as const;
  expect(unattended(paused)).toMatch(/keeps WAL for it, and refuses updates/);
  expect(unattended({ ...paused, state: "failed" })).not.toBe("");
  for (const other of [{ state: "running" }, { startedAt: null }, { isHeld: true }, { options: { ...options, type: "full" } }] as const)
    expect(unattended({ ...paused, ...other })).toBe("");
});
