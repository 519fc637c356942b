import type { Ledger } from "../../copy/ledger.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import { readFileNumbers } from "../../source/file-numbers.ts";
import { formatLsn } from "../../wire/lsn.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { discardData } from "../discard-data.ts";
import { planCopy } from "../plan-copy.ts";
import type { RunContext } from "../run-context.ts";
import { refuseCame } from "../structure-of-then.ts";
import { beginStream } from "./begin-stream.ts";
import { forgetChunks, keepChunks, keepFiles } from "./chunk-list.ts";
import { type BegunCopy, goOnCopying } from "./go-on-copying.ts";

/** Begins the copy of a database whose changes are followed, or goes on with it. What is copied, and how it was cut, is kept for runs that go on. */
export async function beginFollowedCopy(plan: DatabasePlan, ledger: Ledger, target: Session, context: RunContext): Promise<BegunCopy> {
  const going = await goOnCopying(plan, ledger, target, context);
  if (going !== undefined) return going;
  refuseCame(plan);
  await discardData(plan, ledger, target, context);
  await forgetChunks(ledger, target);
  const copy = await planCopy(plan, context);
  const files = await readFiles(
    plan,
    copy.tables.map(({ oid }) => oid),
    context.signal,
  );
  await using stack = new AsyncDisposableStack();
  const stream = stack.use(await beginStream(plan, ledger, target, context));
  const lsn = formatLsn(stream.consistentPoint);
  await keepFiles(ledger, target, lsn, files);
  await keepChunks(ledger, target, copy.chunks);
  const kept = stack.move();
  return { snapshot: stream.snapshot, copy: { ...copy, chunks: copy.chunks.map((chunk) => ({ ...chunk, lsn })) }, [Symbol.asyncDispose]: async () => await kept.disposeAsync() };
}

/** Before the snapshot. */
async function readFiles({ source: endpoint }: DatabasePlan, oids: readonly string[], signal: AbortSignal): ReturnType<typeof readFileNumbers> {
  await using source = await openSession(endpoint, { signal });
  return await readFileNumbers(source, oids);
}
