import { applyDeferred, mayBypassTriggers } from "../../complete/deferred-entries.ts";
import { FENCE_OPTIONS, type Fence, planFence, raiseFence } from "../../complete/fence.ts";
import { FenceProof } from "../../complete/fence-proof.ts";
import { refreshViews } from "../../complete/materialized-views.ts";
import type { CompleteReport, CompletedStep } from "../../complete/report.ts";
import { restoreSource } from "../../complete/restore-source.ts";
import { alignSequences } from "../../complete/sequences.ts";
import type { StepResult } from "../../complete/step-result.ts";
import { copyUnloggedTables } from "../../complete/unlogged-tables.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { PATIENCE } from "../../stream/lock-patiently.ts";
import { readCounters } from "../../stream/position.ts";
import { stopLsn } from "../../stream/source-position.ts";
import { prepareForEntries } from "../../structure/apply-entries.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Lsn, formatLsn } from "../../wire/lsn.ts";
import type { Session } from "../../wire/session.ts";
import { sessionName } from "../../copy/ledger.ts";
import { failpoint } from "../failpoint.ts";
import { InterruptibleSessions } from "../interruptible-sessions.ts";
import type { RunContext } from "../run-context.ts";
import { tellingBlocked } from "./begin-stream.ts";
import type { FollowedDatabase } from "./followed-database.ts";
import { FENCE } from "./give-source-back.ts";

/**
 * Completes one database, which is caught up: fence → note the stop position → drain → sequences → what no stream brings → what had to wait → give the source back. Each
 * step can be done again: a run that was cut off begins here again, with a later stop position. Returns the report.
 */
export async function completeDatabase(database: FollowedDatabase, context: RunContext): Promise<CompleteReport> {
  const { signal, report, options } = context;
  const { plan, ledger, follower, slot } = database;
  await using sessions = new InterruptibleSessions(signal);
  const source = await sessions.open(database.source);
  const target = await sessions.open(database.target, { pipeline: true, applicationName: sessionName(context.task.id) });
  await prepareForEntries(target);
  const bypasses = await mayBypassTriggers(target);
  const steps: CompletedStep[] = [];
  const step = async (name: CompletedStep["step"], work: () => Promise<StepResult>): Promise<void> => {
    signal.throwIfAborted();
    const since = performance.now();
    const result = await Promise.race([work(), follower.failed]);
    steps.push({ step: name, seconds: (performance.now() - since) / 1000, ...result });
    for (const message of result.notes) report({ event: "notice", level: "warning", message });
  };

  const began = performance.now();
  let stop: Lsn | undefined;
  if (options.incremental?.fence === true) {
    const fence = await ledger.remember<Fence>(target, FENCE, await decided(planFence(source)));
    await step("fence", async () => {
      const raised = await raiseFence(source, fence, FENCE_OPTIONS, signal);
      stop = raised.stop;
      return { aligned: [{ object: `database ${fence.database} of the source`, to: "read-only" }], notes: [] };
    });
    failpoint("fence raised");
  }
  stop ??= await stopLsn(source);
  const proof = new FenceProof(stop);
  database.onReceived = (position, changes) => proof.onTransaction(position, changes);
  const drainedTo = stop;
  await step("drain", async () => {
    const reached = await follower.reaches(drainedTo, signal);
    return { aligned: [{ object: `everything before ${formatLsn(drainedTo)}`, to: `applied and stored, up to ${formatLsn(reached)}` }], notes: [] };
  });
  failpoint("drained");
  await step("sequences", async () => await alignSequences(source, target, plan.sequences));
  failpoint("sequences aligned");
  const switchSeconds = (performance.now() - began) / 1000;

  if (plan.unlogged.length > 0) await step("unlogged tables", async () => await copyUnloggedTables(source, target, plan.unlogged, bypasses, signal));
  if (plan.deferred.length > 0) await step("triggers and foreign keys", async () => await createDeferred(database, target, signal));
  if (plan.views.length > 0) {
    const computing = await sessions.open(database.target, { settings: plan.computing, applicationName: sessionName(context.task.id) });
    await step("materialized views", async () => await refreshViews(computing, plan.views, signal));
  }
  failpoint("aligned");
  const changes = await conserved(target, slot.setup.slot, database);
  const verdict = options.incremental?.fence === true ? proof.verdict() : undefined;
  if (verdict !== undefined && !verdict.isProved) {
    const message = `somebody wrote to the source behind the fence: ${verdict.transactions} transactions with ${verdict.changes} changes; they were applied to the target too`;
    report({ event: "notice", level: "warning", message });
  }
  await follower[Symbol.asyncDispose]();
  const since = performance.now();
  const restored = await restoreSource(source, slot.setup, { ...PATIENCE, onBlocked: tellingBlocked(report) }, signal);
  steps.push({ step: "source restored", seconds: (performance.now() - since) / 1000, ...restored });
  failpoint("source restored");
  return {
    database: plan.database,
    stop: formatLsn(stop),
    switchSeconds,
    changes,
    ...(verdict === undefined ? {} : { fence: verdict }),
    steps,
  };
}

/** Foreign keys that were added NOT VALID are validated at once: all rows are there. */
async function createDeferred({ plan, ledger }: FollowedDatabase, target: Session, signal: AbortSignal): Promise<StepResult> {
  const created = await applyDeferred(target, plan.deferred, { ledger, name: "deferred" }, signal);
  for (const { statements } of plan.validations) for (const statement of statements) await target.query(statement);
  return plan.validations.length === 0
    ? created
    : { ...created, aligned: [...created.aligned, ...plan.validations.flatMap(({ objects }) => objects.map((object) => ({ object, to: "validated" })))] };
}

/** received = applied + skipped, for each table and kind of change. Throws `internal` where that does not hold. */
async function conserved(target: Session, slot: string, { target: endpoint }: FollowedDatabase): Promise<CompleteReport["changes"]> {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const total = { received: 0, applied: 0, skipped: 0 };
  for (const { schema, name, received, applied, skipped } of await readCounters(target, slot)) {
    if (received.some((count, kind) => count !== applied[kind]! + skipped[kind]!))
      throw new GodwitError("internal", `${describeEndpoint(endpoint)}: of the changes of ${schema}.${name}, not every one that was received was applied or skipped`);
    total.received += sum(received);
    total.applied += sum(applied);
    total.skipped += sum(skipped);
  }
  return total;
}

async function decided<T>(asking: Promise<T>): Promise<() => T> {
  const answer = await asking;
  return () => answer;
}
