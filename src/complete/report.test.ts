import { describe, expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import { FenceProof } from "./fence-proof.ts";
import { CompleteRecorder, completeText } from "./report.ts";
import { NOTHING } from "./step-result.ts";

const lines = (text: string): string[] => text.trimEnd().split("\n").map((line) => line.trim().replaceAll(/[\d.]+ (?:m?s)\b/g, "N s")); // prettier-ignore

describe("the report of Complete", () => {
  it("tells each step, with what was aligned from where to where", async () => {
    const recorder = new CompleteRecorder();
    const proof = new FenceProof(16n as Lsn);
    proof.onPosition(32n as Lsn);
    await recorder.step("fence", "shop", async () => NOTHING);
    await recorder.step("sequences", "shop", async () => ({ aligned: [{ object: "sequence public.s", from: "3", to: "7" }], notes: [] }));
    await recorder.step("views", "shop", async () => ({ aligned: [], notes: ["materialized view public.v stays empty"] }));
    recorder.stopped("shop", "0/10");
    recorder.paused(412.3);
    recorder.proved("shop", proof.verdict());
    const report = recorder.report();
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(lines(completeText(report))).toEqual([
      "completed in N s, writes paused for N s",
      "everything committed up to 0/10 is on the target",
      "nobody wrote behind the fence: the stream was watched to 0/20",
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
    const [written, unseen] = [new FenceProof(16n as Lsn), new FenceProof(16n as Lsn)];
    written.onTransaction(32n as Lsn, 5);
    recorder.proved("a", written.verdict());
    recorder.proved("b", unseen.verdict());
    expect(completeText(recorder.report())).toMatch(/behind the fence 1 transactions were committed \(5 changes\)[^]*is not proved/);
  });
});
