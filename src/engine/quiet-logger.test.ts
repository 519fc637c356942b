import { expect, it, vi } from "vitest";
import { loggerInto, withoutRepeats } from "./quiet-logger.ts";

it("tells what the engine could not do, and not how runs are handed over", () => {
  const told: string[] = [];
  const logger = loggerInto((sentence) => told.push(sentence));
  logger.info("nothing");
  logger.warn("Workflow task-1 is no longer owned by this execution. Waiting for the owner's recorded outcome");
  logger.error(new Error("connect ECONNREFUSED"));
  expect(told).toEqual(["connect ECONNREFUSED"]);
});

it("tells each sentence once a minute", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const told: string[] = [];
    const log = withoutRepeats((sentence) => told.push(sentence));
    for (let second = 0; second < 61; second++) {
      for (const sentence of ["one", "two"]) log(sentence);
      vi.advanceTimersByTime(1000);
    }
    expect(told).toEqual(["one", "two", "one", "two"]);
  } finally {
    vi.useRealTimers();
  }
});
