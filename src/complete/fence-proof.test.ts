import { expect, it } from "vitest";
import type { Lsn } from "../wire/lsn.ts";
import { FenceProof } from "./fence-proof.ts";

const at = (lsn: number): Lsn => BigInt(lsn) as Lsn;

it("proves silence only when the stream was watched beyond the stop position", () => {
  const proof = new FenceProof(at(100));
  proof.onTransaction(at(90), 5);
  expect(proof.verdict()).toEqual({ isProved: false, stop: "0/64", watchedTo: "0/5A", transactions: 0, changes: 0 });
  proof.onTransaction(at(100), 3);
  proof.onTransaction(at(110), 0);
  proof.onPosition(at(120));
  expect(proof.verdict()).toEqual({ isProved: true, stop: "0/64", watchedTo: "0/78", transactions: 0, changes: 0 });
});

it("counts what was written behind the fence", () => {
  const proof = new FenceProof(at(100));
  proof.onTransaction(at(101), 2);
  proof.onTransaction(at(130), 1);
  expect(proof.verdict()).toMatchObject({ isProved: false, transactions: 2, changes: 3 });
});
