import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Metrics } from "./metrics.ts";
import type { Services } from "./services.ts";

const GUIDE = join(import.meta.dirname, "..", "..", "docs", "guide");
const { names } = new Metrics({} as Services);
const namedIn = (file: string): string[] => [...new Set(readFileSync(join(GUIDE, file), "utf8").match(/godwit_(?:task|workers)\w*/g))];

it("every metric is in the guide, and the guide names no other", () => {
  expect(namedIn("monitoring.md").sort()).toEqual(names.toSorted());
});

it("the dashboard asks for metrics that there are", () => {
  expect(namedIn("grafana-dashboard.json").filter((name) => !names.includes(name))).toEqual([]);
});
