import { describe, expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import { FenceProof, type FenceVerdict, type LastLook, NOTHING_MISSING, notesOfLook, proveSilence } from "./fence-proof.ts";

const at = (lsn: number): Lsn => BigInt(lsn) as Lsn;
const SILENT: LastLook = { watchedTo: "0/78", missing: NOTHING_MISSING, writers: [] };

function soFar(...transactions: [endLsn: number, changes: number][]): FenceVerdict {
  const proof = new FenceProof();
  for (const [endLsn, changes] of transactions) proof.onTransaction(at(endLsn), changes);
  return proof.soFar(at(100), at(115));
}

describe("that nobody wrote behind the fence", () => {
  it("is proved only when the last look, too, has seen nothing, and nobody who could", () => {
    const silent = soFar([90, 5], [100, 3], [110, 0]);
    expect(silent).toEqual({ isProved: false, stop: "0/64", watchedTo: "0/73", transactions: 0, changes: 0, missing: NOTHING_MISSING });
    expect(proveSilence(silent, SILENT)).toMatchObject({ isProved: true, watchedTo: "0/78" });
    expect(proveSilence(silent, { ...SILENT, watchedTo: null })).toMatchObject({ isProved: false, watchedTo: "0/73" });
    expect(proveSilence(silent, { ...SILENT, watchedTo: "0/60" })).toMatchObject({ isProved: false });
    expect(proveSilence(silent, { ...SILENT, writers: ["process 1 (app)"] })).toMatchObject({ isProved: false });
  });

  it("counts what was written, each once: what was received and not applied is the last look's", () => {
    const written = soFar([101, 2], [114, 1], [101, 2], [114, 1], [116, 7]); // two of them come again
    expect(written).toMatchObject({ isProved: false, transactions: 2, changes: 3 });
    const missing = { transactions: 1, changes: 7, tables: ["public.a"] };
    expect(proveSilence(written, { ...SILENT, missing })).toMatchObject({ isProved: false, transactions: 3, changes: 10, missing });
    expect(proveSilence(written, SILENT)).toMatchObject({ isProved: false, transactions: 2 });
  });
});

it("what the last look has seen is told, with the way out", () => {
  expect(notesOfLook(SILENT, true)).toEqual([]);
  const missing = { transactions: 2, changes: 7, tables: Array.from({ length: 10 }, (_, n) => `public.t${n}`) };
  expect(notesOfLook({ ...SILENT, missing, writers: ["process 1 (app)"] }, true)).toEqual([
    expect.stringMatching(/2 transactions with 7 changes .* NOT on the target: public\.t0, .*public\.t7, and 2 more\..*NOLOGIN/),
    expect.stringContaining("process 1 (app)"),
  ]);
  expect(notesOfLook({ ...SILENT, watchedTo: null, problem: "the slot was invalidated" }, false)).toEqual([expect.stringContaining("the slot was invalidated")]);
  expect(notesOfLook({ ...SILENT, watchedTo: null }, true)).toEqual([expect.stringContaining("the replication slot was gone")]);
});
