import { describe, expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import { FenceProof, NOTHING_MISSING, proveSilence } from "./fence-proof.ts";
import { CompleteRecorder, completeText } from "./report.ts";
import { NOTHING } from "./step-result.ts";

const lines = (text: string): string[] => text.trimEnd().split("\n").map((line) => line.trim().replaceAll(/[\d.]+ (?:m?s)\b/g, "N s")); // prettier-ignore

describe("the report of Complete", () => {
  it("tells each step, with what was aligned from where to where", async () => {
    const recorder = new CompleteRecorder();
    const soFar = new FenceProof().soFar(16n as Lsn, 16n as Lsn);
    await recorder.step("fence", "shop", async () => NOTHING);
    await recorder.step("sequences", "shop", async () => ({ aligned: [{ object: "sequence public.s", from: "3", to: "7" }], notes: [] }));
    await recorder.step("views", "shop", async () => ({ aligned: [], notes: ["materialized view public.v stays empty"] }));
    recorder.stopped("shop", "0/10");
    recorder.paused(412.3);
    recorder.proved("shop", proveSilence(soFar, { watchedTo: "0/20", missing: NOTHING_MISSING, writers: [] }));
    const report = recorder.report();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(lines(completeText(report))).toEqual([
      "completed in N s, writes paused for N s",
      "everything committed up to 0/10 is on the target",
      "nobody wrote behind the fence: the stream was watched to 0/20, just before the slot was dropped",
      "N s  writes at the source fenced",
      "N s  sequences (1)",
      "sequence public.s: 3 → 7",
      "N s  materialized views",
      "! materialized view public.v stays empty",
    ]);
  });

  it("does not drown the reader, names databases where there are several, and keeps what an earlier try did", async () => {
    const first = new CompleteRecorder();
    await first.step("sequences", "one", async () => NOTHING);
    const recorder = new CompleteRecorder(first.report());
    await recorder.step("sequences", "two", async () => ({ aligned: Array.from({ length: 40 }, (_, n) => ({ object: `sequence s${n}`, to: "1" })), notes: [] }));
    const text = lines(completeText(recorder.report()));
    expect(text.slice(0, 3)).toEqual(["completed in N s", "N s  one: sequences", "N s  two: sequences (40)"]);
    expect(text).toHaveLength(3 + 12);
    expect(text.at(-1)).toBe("and 29 more");
  });

  it("does not claim what was not seen", () => {
    const recorder = new CompleteRecorder();
    const [written, unseen] = [new FenceProof(), new FenceProof()];
    written.onTransaction(32n as Lsn, 5);
    const soFar = written.soFar(16n as Lsn, 32n as Lsn);
    recorder.proved("a", soFar);
    recorder.proved("b", unseen.soFar(16n as Lsn, 16n as Lsn));
    recorder.proved("c", proveSilence(soFar, { watchedTo: "0/30", missing: { transactions: 2, changes: 3, tables: ["public.t"] }, writers: [] }));
    expect(lines(completeText(recorder.report())).slice(1)).toEqual([
      "behind the fence 1 transactions were committed (5 changes); they are on the target too",
      "that nobody wrote behind the fence is not proved: the stream was watched to 0/10, and the fence stands at 0/10",
      "behind the fence 3 transactions were committed (8 changes); 2 of them (3 changes) came behind the hand-over and are NOT on the target",
    ]);
  });
});
