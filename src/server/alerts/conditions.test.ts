import { describe, expect, it } from "vitest";
import type { Webhook } from "../contract/alerts.ts";
import type { TaskRow } from "../contract/task.ts";
import { newsOf } from "./conditions.ts";

const NOBODY = { onFailed: false, onRetrying: false, lagSeconds: null, retainedBytes: null };

function news(asked: Partial<Webhook>, state: TaskRow["state"], stream: { lagSeconds?: number | null; retainedBytes?: number } | null, told: readonly string[]): (string | null)[] {
  const row = {
    id: "0123456789",
    name: "task",
    state,
    error: null,
    progress: stream === null ? null : { stream: { lagSeconds: null, retainedBytes: null, ...stream } },
  } as TaskRow;
  return newsOf({ ...NOBODY, ...asked } as Webhook, row, new Set(told)).map(({ holds, alert, name }) => `${holds ? "+" : "-"}${name}: ${alert?.text.slice(19) ?? "in silence"}`);
}

describe("news of a task", () => {
  it("are what has begun, and what is over", () => {
    expect(news({ onFailed: true, onRetrying: true }, "failed", null, [])).toEqual(["+failed: failed"]);
    expect(news({ onFailed: true, onRetrying: true }, "failed", null, ["failed"])).toEqual([]);
    expect(news({ onFailed: true, onRetrying: true }, "retrying", null, ["failed"])).toEqual(["-failed: failed is over; it is retrying now", "+retrying: tries again"]);
  });

  it("say nothing of what nobody asks for any more, also of another threshold", () => {
    expect(news({}, "failed", null, ["failed"])).toEqual(["-failed: in silence"]);
    expect(news({ lagSeconds: 600 }, "running", { lagSeconds: 100 }, ["lag above 60 s"])).toEqual(["-lag above 60 s: in silence"]);
    expect(news({ retainedBytes: 2e6 }, "running", { retainedBytes: 3e9 }, ["WAL kept above 1 MB"])).toEqual([
      "-WAL kept above 1 MB: in silence",
      "+WAL kept above 2 MB: the source keeps 2.8 GiB of WAL for its slots",
    ]);
  });

  it("are none of figures that are missing, until the task has ended", () => {
    expect(news({ lagSeconds: 60 }, "running", {}, ["lag above 60 s"])).toEqual([]);
    expect(news({ lagSeconds: 60 }, "running", { lagSeconds: 1 }, ["lag above 60 s"])).toEqual(["-lag above 60 s: lag above 60 s is over; it is running now"]);
    for (const state of ["terminated", "succeeded"] as const) {
      expect(news({ lagSeconds: 60 }, state, {}, ["lag above 60 s"])).toEqual([`-lag above 60 s: lag above 60 s is over; it is ${state} now`]);
      expect(news({ retainedBytes: 1e6 }, state, { retainedBytes: 3e9 }, [])).toEqual([]);
    }
  });
});
