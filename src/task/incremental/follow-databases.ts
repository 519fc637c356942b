import { setTimeout as sleep } from "node:timers/promises";
import { type CompleteProgress, CompleteRecorder } from "../../complete/report.ts";
import { NOTHING, type StepResult } from "../../complete/step-result.ts";
import { sessionName } from "../../copy/ledger.ts";
import { dropStreamSql } from "../../stream/position.ts";
import { applyEntry, prepareForEntries } from "../../structure/apply-entries.ts";
import { openSession } from "../../wire/session.ts";
import { inTransaction } from "../../wire/transaction.ts";
import type { Step, StreamProgress } from "../events.ts";
import { failpoint } from "../../errors/failpoint.ts";
import type { RunContext } from "../run-context.ts";
import { completeDatabase, finishDatabase } from "./complete-database.ts";
import { type Closing, type Followed, NO_CHANGES, followedBefore } from "./followed.ts";
import { type DatabasePair, type FollowedDatabase, type HandedOver, openFollowed } from "./followed-database.ts";
import { handOverOf } from "./hand-over.ts";

const LOOK_MS = 100;
/** Caught up: the target has reached where the source was so long ago. Where something is always written, 0 bytes are never seen. */
const CAUGHT_UP_SECONDS = 0.5;

/**
 * The second half of full+incremental, for all databases of the task side by side: catch up → follow, until somebody asks to complete → complete, one database after the
 * other. Whatever breaks ends all of it; a run that goes on begins here with what the ledgers on the target tell.
 */
export async function followDatabases(pairs: readonly DatabasePair[], context: RunContext): Promise<Followed> {
  const { signal, switchover } = context;
  await using stack = new AsyncDisposableStack();
  const databases: FollowedDatabase[] = [];
  const handedOver: HandedOver[] = [];
  for (const pair of pairs) {
    const database = await openFollowed(pair, context);
    if (database === undefined) await context.task.reached(`database ${pair.target.database}`, context.task.value(`closing ${pair.target.database}`));
    else if ("follower" in database) databases.push(stack.use(database));
    else handedOver.push(database);
  }
  const [ofOne] = handedOver; // one after the other is completed
  const earlier = (ofOne === undefined ? undefined : handOverOf(ofOne.ledger)) ?? followedBefore(context.task);
  let { changes } = earlier ?? { changes: NO_CHANGES };
  const figures = (): StreamProgress => sumUp(databases);
  const recorder = new CompleteRecorder(earlier?.completed);
  let isCompleting = false;
  using _ = keepFigures(context, figures, () => (isCompleting ? recorder.progress() : undefined));
  const failed = Promise.race(databases.map(async ({ follower }) => await follower.failed));
  failed.catch(() => undefined);
  const until = async (isReached: () => boolean): Promise<void> => {
    while (!isReached()) await Promise.race([failed, sleep(LOOK_MS, undefined, { signal })]);
  };

  await inStep(context, "catchUp", async () => await until(() => databases.every(isCaughtUp)));
  await switchover.caughtUp();
  await inStep(context, "sync", async () => await until(() => switchover.asked.aborted));
  isCompleting = true;
  const finish = async (database: HandedOver): Promise<void> => {
    await finishDatabase(database, recorder, context);
    const followed = { changes, completed: recorder.report() };
    await recorder.step("target", database.plan.database, async () => await close(database, followed, context));
  };
  await inStep(context, "complete", async () => {
    for (const database of handedOver) await finish(database);
    for (const database of databases) {
      changes = await Promise.race([failed, completeDatabase(database, changes, recorder, context)]);
      await finish(database);
    }
  });
  return { changes, completed: recorder.report() };
}

function isCaughtUp({ follower }: FollowedDatabase): boolean {
  const { lag } = follower;
  return lag !== undefined && lag.seconds < CAUGHT_UP_SECONDS;
}

/** The last act on the target: nothing of ours is left, and its event triggers are there. */
async function close({ target, plan, ledger }: HandedOver, followed: Followed, { task, report, signal }: RunContext): Promise<StepResult> {
  await using session = await openSession(target, { signal, applicationName: sessionName(task.id) });
  await prepareForEntries(session);
  await task.reached(`closing ${target.database}`, { ...plan.result, followed } satisfies Closing);
  failpoint("closing noted");
  await inTransaction(session, async () => {
    await session.query(`${dropStreamSql()}; ${ledger.dropSql()}`);
    for (const entry of plan.last) {
      await applyEntry(session, entry, ({ type, schema, name }) =>
        report({ event: "object", database: plan.database, kind: type, name: schema === "-" ? name : `${schema}.${name}`, seconds: 0 }),
      );
    }
  });
  failpoint("ledger dropped");
  await task.reached(`database ${target.database}`, plan.result);
  failpoint("database noted");
  return NOTHING;
}

function sumUp(databases: readonly FollowedDatabase[]): StreamProgress {
  const sum = { lagBytes: 0 as number | undefined, lagSeconds: 0 as number | undefined, transactions: 0, changes: 0, bytes: 0, skipped: 0, retainedBytes: 0 as number | undefined };
  const alarms: string[] = [];
  for (const { follower } of databases) {
    const { figures, lag } = follower;
    sum.transactions += figures.transactions;
    sum.changes += figures.changes;
    sum.bytes += figures.bytes;
    sum.skipped += figures.skipped;
    alarms.push(...figures.alarms);
    sum.retainedBytes = sum.retainedBytes === undefined || figures.retainedBytes === undefined ? undefined : sum.retainedBytes + figures.retainedBytes;
    sum.lagBytes = sum.lagBytes === undefined || lag === undefined ? undefined : sum.lagBytes + lag.bytes;
    sum.lagSeconds = sum.lagSeconds === undefined || lag === undefined ? undefined : Math.max(sum.lagSeconds, lag.seconds);
  }
  return { ...sum, alarms };
}

/** Keeps the figures that others see, and tells of alarms once. */
function keepFigures({ progress, report }: RunContext, figures: () => StreamProgress, completing: () => CompleteProgress | undefined): Disposable {
  const told = new Set<string>();
  const look = (): void => {
    progress.stream = figures();
    progress.complete = completing();
    for (const alarm of progress.stream.alarms) {
      const kind = alarm.replaceAll(/\d[\d.]*/g, "#");
      if (told.has(kind)) continue;
      told.add(kind);
      report({ event: "notice", level: "warning", message: alarm });
    }
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      progress.stream = undefined;
      progress.complete = undefined;
    },
  };
}

async function inStep({ report, progress }: RunContext, step: Step, work: () => Promise<void>): Promise<void> {
  const since = performance.now();
  progress.step = step;
  report({ event: "step", step, state: "started" });
  await work();
  report({ event: "step", step, state: "finished", seconds: (performance.now() - since) / 1000 });
}
