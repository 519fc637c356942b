import { displayName } from "../../catalog/catalog.ts";
import { applyActing, applyDeferred, divideDeferred, mayBypassTriggers } from "../../complete/deferred-entries.ts";
import { FENCE_OPTIONS, type Fence, expectFenceable, planFence, raiseFence } from "../../complete/fence.ts";
import { FenceProof, type FenceVerdict, HOW_TO_STOP, notesOfLook, proveSilence } from "../../complete/fence-proof.ts";
import { alignLargeObjects } from "../../complete/large-objects.ts";
import { refreshViews } from "../../complete/materialized-views.ts";
import type { CompleteRecorder, CompleteStep } from "../../complete/report.ts";
import { restoreSource } from "../../complete/restore-source.ts";
import { alignSequences } from "../../complete/sequences.ts";
import type { Aligned, StepResult } from "../../complete/step-result.ts";
import { sequencesSince, sequencesStillThere, unloggedStillThere } from "../../complete/still-there.ts";
import { copyUnloggedTables } from "../../complete/unlogged-tables.ts";
import { type Ledger, sessionName } from "../../copy/ledger.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { PATIENCE } from "../../source/lock-patiently.ts";
import { readConflicts, readCounters, storedPosition } from "../../stream/position.ts";
import { passingValues, readEncoding } from "../../source/source-encoding.ts";
import { stopLsn } from "../../source/source-position.ts";
import { prepareForEntries } from "../../structure/apply-entries.ts";
import type { Entry } from "../../structure/entry.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Lsn, formatLsn } from "../../wire/lsn.ts";
import type { Session } from "../../wire/session.ts";
import { rememberLargeObjects, rememberedLargeObjects } from "../discard-data.ts";
import { failpoint } from "../../errors/failpoint.ts";
import { mutation } from "../../errors/mutation.ts";
import { InterruptibleSessions } from "../interruptible-sessions.ts";
import { choosesObjects } from "../../plan/object-pattern.ts";
import type { RunContext } from "../run-context.ts";
import { sourceSetupOf, tellingBlocked } from "./source-notes.ts";
import { type Conserved, addChanges } from "./followed.ts";
import type { FollowedDatabase, HandedOver } from "./followed-database.ts";
import { keepHandOver } from "./hand-over.ts";
import { FENCE } from "./give-source-back.ts";
import { lookLast } from "./last-look.ts";

/**
 * Completes one database, which is caught up: what was planned is still there → fence → note the stop position → drain → what no stream brings → foreign keys that had to wait → drain what came since, and apply
 * no more → sequences → hand over, with what acts on rows. Every step can be done again: a run that was cut off begins here again, with a later stop position; behind the hand-over it goes on with `finishDatabase`. What is done is
 * told to the recorder.
 * `before`: the changes of databases that were completed before; returned with those of this one.
 */
export async function completeDatabase(database: FollowedDatabase, before: Conserved, recorder: CompleteRecorder, context: RunContext): Promise<Conserved> {
  const { signal, report, options } = context;
  const { plan, ledger, follower, slot, tables } = database;
  await using sessions = new InterruptibleSessions(signal);
  const source = await sessions.open(database.source);
  const settings = passingValues(await readEncoding(source));
  const target = await sessions.open(database.target, { pipeline: true, settings, applicationName: sessionName(context.task.id) });
  await prepareForEntries(target);
  const bypassesTriggers = await mayBypassTriggers(target);
  const { now: silent, deferred: acting } = divideDeferred(plan.deferred, follower.bypassesTriggers);
  const step = stepsOf(plan.database, recorder, context);
  const sequences = await sequencesStillThere(source, target, plan.sequences);
  const unlogged = await unloggedStillThere(source, target, plan.unlogged);

  await tables.lookLast(source, follower);
  const isFenced = options.incremental?.fence === true;
  const fence = isFenced ? await notedFence(ledger, source, target, signal) : undefined;
  const proof = new FenceProof();
  if (isFenced) database.onReceived = (position, changes) => proof.onTransaction(position, changes);
  const began = performance.now();
  let stop: Lsn | undefined;
  if (fence !== undefined) {
    await step("fence", async () => {
      stop = await raiseNotedFence(fence, ledger, source, target, signal);
      return { aligned: [{ object: `database ${fence.database} of the source`, to: "read-only" }], notes: [] };
    });
    failpoint("fence raised");
  }
  const drainTo = stop ?? (await stopLsn(source));
  const drain = async (position: Lsn): Promise<void> => {
    if (!mutation("stop is applied")) await follower.reaches(position, signal);
  };
  recorder.stopped(plan.database, formatLsn(drainTo));
  await step("drain", async () => {
    await drain(drainTo);
    await follower.guard();
    await tables.lookLast(source, follower);
    return { aligned: [], notes: [] };
  });
  failpoint("drained");
  if (plan.unlogged.length > 0) {
    const reading = await sessions.open(database.source, { settings });
    await step("unlogged", async () => telling(unlogged.notes, await copyUnloggedTables(reading, target, unlogged.now, bypassesTriggers, signal)));
  }
  if (plan.hasLargeObjects) {
    const { noOwner, noPrivileges } = options;
    await rememberLargeObjects(target, ledger);
    await step("largeObjects", async () => await alignLargeObjects(source, target, { noOwner, noPrivileges, keep: rememberedLargeObjects(ledger) }, signal));
  }
  if (silent.length > 0) await step("deferred", async () => await createSilent(database, silent, target, signal));
  // What somebody committed meanwhile is brought too, be it behind the fence. Then no more, before anybody else writes to the target: what came now would overwrite it.
  await drain(await stopLsn(source));
  await follower[Symbol.asyncDispose]();
  // Behind the last row that is brought: whoever wrote it has drawn its number before.
  await step("sequences", async () => {
    // Where objects are chosen, one that was not planned was left out on purpose.
    const since = choosesObjects([...options.include, ...options.exclude]) ? { now: [], notes: [] } : await sequencesSince(source, target, sequences.now);
    return telling([...sequences.notes, ...since.notes], await alignSequences(source, target, [...sequences.now, ...since.now]));
  });
  failpoint("sequences aligned");
  const conserved = await conservedChanges(target, slot.setup.slot, database);
  if (isFenced) tellBrought(plan.database, proof.soFar(drainTo, (await storedPosition(target, slot.setup.slot)) ?? drainTo), recorder, report);
  failpoint("aligned");
  const changes = addChanges(before, conserved);
  // Told with the note, and once more when the note is there.
  const pause = (): void => (isFenced ? recorder.paused(performance.now() - began) : undefined);
  await keepHandOver(ledger, target, async () => {
    if (acting.length > 0) await step("deferred", async () => await createActing(database, acting, target));
    pause();
    return { changes, completed: recorder.report() };
  });
  pause();
  failpoint("handed over");
  report({ event: "writable", database: plan.database });
  return changes;
}

/** The fence's plan is in the ledger from before it is raised until it is lowered and everybody may write again. Where it is not there, who is in the fence's way is asked before. */
async function notedFence(ledger: Ledger, source: Session, target: Session, signal: AbortSignal): Promise<Fence> {
  const noted = ledger.value(FENCE) as Fence | undefined;
  if (noted !== undefined) return noted;
  const fence = await planFence(source);
  await expectFenceable(source, FENCE_OPTIONS, signal);
  // On the disk: without the note a later run would take our setting for what was there before.
  await ledger.noteOnDisk(target, FENCE, fence);
  return fence;
}

async function raiseNotedFence(fence: Fence, ledger: Ledger, source: Session, target: Session, signal: AbortSignal): Promise<Lsn> {
  try {
    return (await raiseFence(source, fence, FENCE_OPTIONS, signal)).stop;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "fence-incomplete") await ledger.forgetJobs(target, [FENCE]);
    throw error;
  }
}

/**
 * Behind the hand-over: the target belongs to its applications, and nothing is written to it but materialized views. What is committed at the source all the same is looked for as late as that is
 * possible, and told. Can be done again.
 */
export async function finishDatabase(database: HandedOver, recorder: CompleteRecorder, context: RunContext): Promise<void> {
  const { plan, ledger, slot, ...ends } = database;
  const { signal, options } = context;
  await using sessions = new InterruptibleSessions(signal);
  const step = stepsOf(plan.database, recorder, context);
  if (plan.views.length > 0) {
    const computing = await sessions.open(ends.target, { pipeline: true, settings: plan.computing, applicationName: sessionName(context.task.id) });
    await step("views", async () => await refreshViews(computing, plan.views, signal));
  }
  if (mutation("goes on after complete")) return;
  const source = await sessions.open(ends.source);
  const target = await sessions.open(ends.target, { applicationName: sessionName(context.task.id) });
  await step("source", async () => {
    const isFenced = options.incremental?.fence === true;
    const look = await lookLast(database, isFenced, source, target, signal);
    failpoint("looked last");
    const soFar = recorder.verdict(plan.database);
    if (soFar !== undefined) recorder.proved(plan.database, proveSilence(soFar, look));
    const { aligned, notes } = await restoreSource(source, sourceSetupOf(ledger) ?? slot.setup, { ...PATIENCE, onBlocked: tellingBlocked(context) }, signal);
    return { aligned, notes: [...notesOfLook(look, isFenced).map((note) => `database ${plan.database}: ${note}`), ...notes] };
  });
  failpoint("source restored");
}

function stepsOf(database: string, recorder: CompleteRecorder, { signal, report }: RunContext): (name: CompleteStep, work: () => Promise<StepResult>) => Promise<void> {
  return async (name, work) => {
    signal.throwIfAborted();
    const { notes } = await recorder.step(name, database, work);
    for (const message of notes) report({ event: "notice", level: "warning", message });
  };
}

function telling(notes: readonly string[], result: StepResult): StepResult {
  return { ...result, notes: [...notes, ...result.notes] };
}

const MOST_CONFLICTS = 1000;

/** While changes still come: this may take long. */
async function createSilent(database: FollowedDatabase, entries: readonly Entry[], target: Session, signal: AbortSignal): Promise<StepResult> {
  const { aligned, notes } = await applyDeferred(target, entries, { ledger: database.ledger, name: "deferred" }, signal);
  return { aligned: [...aligned, ...(await validateKeys(database, entries, target))], notes };
}

async function createActing(database: FollowedDatabase, entries: readonly Entry[], target: Session): Promise<StepResult> {
  const { aligned, notes } = await applyActing(target, entries);
  return { aligned: [...aligned, ...(await validateKeys(database, entries, target))], notes };
}

/** Foreign keys that are added NOT VALID are validated at once: all rows are there. */
async function validateKeys({ plan }: FollowedDatabase, entries: readonly Entry[], target: Session): Promise<Aligned[]> {
  if (!entries.some(({ type }) => type === "FK CONSTRAINT")) return [];
  for (const { statements } of plan.validations) for (const statement of statements) await target.query(statement);
  return plan.validations.flatMap(({ objects }) => objects.map((object) => ({ object, to: "validated" })));
}

/** What was written behind the fence until the hand-over; whether anything comes later is seen by the last look. */
function tellBrought(name: string, soFar: FenceVerdict, recorder: CompleteRecorder, report: RunContext["report"]): void {
  recorder.proved(name, soFar);
  const { transactions, changes } = soFar;
  if (transactions === 0) return;
  const message = `database ${name}: somebody wrote to the source behind the fence: ${transactions} transactions with ${changes} changes, which are on the target too. What comes from now on will not be: ${HOW_TO_STOP}`;
  report({ event: "notice", level: "warning", message });
}

/** received = applied + skipped, for each table and kind of change, as the target has them. Throws `internal` where that does not hold. */
async function conservedChanges(target: Session, slot: string, { target: endpoint }: FollowedDatabase): Promise<Conserved> {
  const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
  const conflicts = (await readConflicts(target, slot, MOST_CONFLICTS)).map(
    ({ schema, name, kind, found, action, key }) => `${action}: ${kind} of ${displayName({ schema, name })}, ${found}, ${JSON.stringify(key)}`,
  );
  const total = { received: 0, applied: 0, skipped: 0, conflicts };
  for (const { schema, name, received, applied, skipped } of await readCounters(target, slot)) {
    if (received.some((count, kind) => count !== applied[kind]! + skipped[kind]!))
      throw new GodwitError("internal", `${describeEndpoint(endpoint)}: of the changes of ${schema}.${name}, not every one that was received was applied or skipped`);
    total.received += sum(received);
    total.applied += sum(applied);
    total.skipped += sum(skipped);
  }
  return total;
}
