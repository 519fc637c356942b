import { followsChanges, movesData } from "../plan/migration-type.ts";
import { type Relation, displayName } from "../catalog/catalog.ts";
import { divideDeferred, mayBypassTriggers } from "../complete/deferred-entries.ts";
import { type Settings, forRows, settingsThere } from "../copy/computing-settings.ts";
import { Ledger, ledgerOwner, sessionName } from "../copy/ledger.ts";
import { type RefreshObserver, refreshMaterializedViews } from "../copy/materialized-views.ts";
import { readSequences, setSequences } from "../copy/sequences.ts";
import { applyEntries, applyEntry, prepareForEntries } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import { type BuildJob, SMALL_BYTES, planPostData } from "../structure/post-data.ts";
import { passingValues } from "../source/source-encoding.ts";
import { identityCandidates } from "../source/source-setup.ts";
import { inTransaction } from "../wire/transaction.ts";
import type { Session } from "../wire/session.ts";
import { refreshStatistics } from "./analyze.ts";
import { buildNote } from "./build.ts";
import { discardData } from "./discard-data.ts";
import { COPIED, copyAndBuild } from "./copy-and-build.ts";
import { Crew } from "./lanes/crew.ts";
import { failpoint } from "../errors/failpoint.ts";
import { beginFollowedCopy } from "./incremental/begin-followed-copy.ts";
import { forgetChunks } from "./incremental/chunk-list.ts";
import { copiedMoments, keepMoments } from "./incremental/copied-moments.ts";
import { guardIdentitiesMeanwhile } from "./incremental/guard-identities.ts";
import { followedOf, keepStreamPlan } from "./incremental/stream-plan.ts";
import { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { Stage } from "./lanes/lane-job.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { takesLargeObjects } from "../precheck/scope.ts";
import { NOTHING_TO_COPY, planCopy } from "./plan-copy.ts";
import { selectedRelations, sequencesToSet } from "./plan-database.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";
import { refuseRenamed, refuseRewritten } from "./source-unchanged.ts";
import { refuseCame, refuseReshaped, withStructureOfThen } from "./structure-of-then.ts";

/**
 * Settings of sessions that write to the target. Losing the last moments of an unfinished migration in a crash of the target
 * costs nothing: the end of the run waits for the disk.
 */
const LANE_SETTINGS: Settings = { synchronous_commit: "off", maintenance_work_mem: "256MB" };

/**
 * Moves one database: structure before the data, the data, indexes and constraints, what cannot be copied but must be
 * computed, statistics. Reads from top to bottom as it happens; the plan's snapshot is let go as soon as the data is there.
 * What an earlier run of the task did, its ledger knows: that is left out, except that data begins anew when not all of it arrived
 * (its snapshot is gone). The structure is that of then (`structure-of-then.ts`).
 */
export async function runDatabase(planned: DatabasePlan, context: RunContext): Promise<DatabaseResult> {
  const { options, report, signal, progress } = context;
  const database = planned.catalog.database.name;
  await using sessions = new InterruptibleSessions(signal);
  const openAdmin = async (): Promise<Session> => {
    const session = await sessions.open(planned.target, { pipeline: true, settings: LANE_SETTINGS, applicationName: sessionName(context.task.id) });
    await prepareForEntries(session);
    return session;
  };
  let admin = await openAdmin();
  // Cut off between its last act and the note that it was done: what follows can all be done again.
  const closing = `closing ${planned.target.database}` as const;
  if (context.task.has(closing) && (await ledgerOwner(admin)) === undefined) return context.task.value(closing) as DatabaseResult;
  const ledger = await Ledger.open(admin, context.task.id);
  failpoint("ledger opened");
  const plan = await withStructureOfThen(planned, ledger, admin, context);
  const follows = followsChanges(options.type);
  const isFull = movesData(options.type);
  const isCopying = isFull && !ledger.has(COPIED);
  if (isCopying && plan !== planned) await refuseReshaped(plan.snapshot.session, ledger);
  if (follows) context.meanwhile.use(guardIdentitiesMeanwhile(plan, identityCandidates(plan.catalog, plan.selection.isSelected), ledger, context));
  const large = new Map(largeRelations(plan));
  const post = planPostData(
    plan.entries.filter((entry) => entry.section === "post"),
    new Map([...plan.indexes].map(([oid, index]) => [oid, { ...index, bytes: large.get(oid) ?? 0 }])),
    tableBytesOfForeignKeys(plan, large),
  );
  const onApplied = (entry: Entry): void => {
    if (entry.section === "pre") failpoint("structure begun");
    report({ event: "object", database, kind: entry.type, name: nameOf(entry), seconds: 0 });
  };

  await inStep(context, "structure", database, async () => {
    await applyEntries(
      admin,
      plan.entries.filter((entry) => entry.section === "pre"),
      onApplied,
      signal,
      { ledger, name: "structure" },
    );
  });

  // What the lanes rely on must outlive a crash of the target; what they do is asked for in the end.
  if (!ledger.has(CREATED)) await ledger.noteOnDisk(admin, CREATED);
  failpoint("structure created");
  const computing = await settingsThere(admin, plan.computing);
  // The moment that is copied: with changes to follow it is that of a slot, so that not one lies between the two.
  await using begun = isCopying && follows ? await beginFollowedCopy(plan, ledger, admin, context) : undefined;
  if (isCopying && !follows) {
    refuseCame(plan);
    await discardData(plan, ledger, admin, context);
  }
  const copy = begun?.copy ?? (isCopying ? await planCopy(plan, context) : NOTHING_TO_COPY);
  await using crew = await Crew.open(context.crew, stageOf(plan, begun?.snapshot ?? plan.snapshot.id, ledger, context, computing.known), progress);
  // The lanes were at work for long: this session may have been lost meanwhile, and with it the server and what was not yet on its disk.
  const isThere = async (notes: readonly string[]): Promise<void> => {
    if (admin.loss !== undefined) admin = await openAdmin();
    await ledger.require(admin, notes);
  };
  const moved = await copyAndBuild(plan, copy, post.builds, ledger, context, crew, async (notes, result) => {
    failpoint("data copied");
    await isThere(notes);
    await refuseRewritten(plan.snapshot, plan.catalog, plan.selection.isSelected, follows);
    await refuseRenamed(plan, context.signal);
    if (follows) await keepMoments(ledger, admin, plan, copy);
    await ledger.noteOnDisk(admin, COPIED, result);
    if (follows) await forgetChunks(ledger, admin);
    failpoint("data noted");
  });
  await isThere([...(isFull ? [COPIED] : []), ...post.builds.map(buildNote)]);
  await crew.endCopying();

  const sequences = sequencesToSet(plan);
  const views = isFull ? selectedRelations(plan, "materializedView").filter((view) => view.isPopulated) : [];
  const bypassesTriggers = follows && (await mayBypassTriggers(admin));
  const { now, deferred } = follows ? divideDeferred(post.rest, bypassesTriggers, copiedMoments(ledger).areSeveral) : { now: post.rest, deferred: [] };
  const laterKeys = deferred.some(({ type }) => type === "FK CONSTRAINT");
  await inStep(context, "finish", database, async () => {
    // Sequences belong to no snapshot, and its session may be gone since.
    if (isFull && !follows) await setSequences(admin, await readSequences(await sessions.open(plan.source), sequences));
    failpoint("sequences set");
    // The source may clean up behind the snapshot from here on, unless the comparison still needs it.
    if (!options.verify || follows) await plan.snapshot[Symbol.asyncDispose]();
    await applyEntries(admin, now, onApplied, signal, { ledger, name: "rest" });
    failpoint("constraints added");
    await runValidations(laterKeys ? [] : post.validations, ledger, context, crew);
    failpoint("foreign key validated");
    if (!follows) await fillViews(views, computing, plan, context, sessions);
    failpoint("views filled");
  });
  if (isFull && options.statistics) {
    await inStep(context, "analyze", database, async () => await refreshStatistics(plan, context, sessions, crew));
  }
  progress.lanes.clear();
  const result: DatabaseResult = {
    ...moved,
    indexes: plan.entries.filter((entry) => entry.type === "INDEX").length,
    constraints: plan.entries.filter((entry) => /^(?:CHECK |FK )?CONSTRAINT$/.test(entry.type)).length,
    sequences: sequences.length,
    materializedViews: views.filter((view) => !context.unfilled.has(view)).length,
  };
  if (follows) {
    await keepStreamPlan(ledger, admin, {
      ...followedOf(plan),
      copied: copiedMoments(ledger).tables,
      sequences,
      views,
      hasLargeObjects: takesLargeObjects(options),
      deferred,
      bypassesTriggers,
      validations: laterKeys ? post.validations : [],
      last: post.last,
      computing: computing.known,
      result,
    });
    failpoint("stream plan kept");
    return result;
  }
  // Sessions commit without waiting for the disk; from here on this one waits, and thereby for everything before it.
  await admin.query("set synchronous_commit = on");
  await context.task.reached(closing, result);
  failpoint("closing noted");
  await dropLedger(admin, ledger, post.last, onApplied);
  failpoint("ledger dropped");
  return result;
}

/** Noted when the structure before the data is there. */
const CREATED = "structure created";

/** A view's query sees the settings of the source, so that its content is the source's. */
async function fillViews(
  views: readonly Relation[],
  { known, unknown }: Awaited<ReturnType<typeof settingsThere>>,
  plan: DatabasePlan,
  context: RunContext,
  sessions: InterruptibleSessions,
): Promise<void> {
  if (views.length === 0) return;
  if (unknown.length > 0) {
    const message = `the target does not know these settings of the source, on which the content of materialized views may depend: ${unknown.join(", ")}`;
    context.report({ event: "notice", level: "warning", message });
  }
  const session = await sessions.open(plan.target, { settings: { ...LANE_SETTINGS, ...known }, applicationName: sessionName(context.task.id) });
  await refreshMaterializedViews(session, views, observeRefresh(context, plan.catalog.database.name), context.signal);
}

/** Sizes decide what is built alone and what is validated later: of those, the ones that are not small. */
function* largeRelations(plan: DatabasePlan): Generator<readonly [oid: string, bytes: number]> {
  for (const [oid, { bytes }] of plan.indexes) if (bytes >= SMALL_BYTES) yield [oid, bytes];
  for (const { oid, bytes } of plan.catalog.relations) if (bytes >= SMALL_BYTES) yield [oid, bytes];
}

/** Event triggers come last, and would fire for what drops the ledger: so that is dropped in their transaction, before them. */
async function dropLedger(admin: Session, ledger: Ledger, last: readonly Entry[], onApplied: (entry: Entry) => void): Promise<void> {
  await inTransaction(admin, async () => {
    await admin.query(ledger.dropSql());
    for (const entry of last) await applyEntry(admin, entry, onApplied);
  });
}

async function runValidations(validations: readonly BuildJob[], ledger: Ledger, { signal }: RunContext, crew: Crew): Promise<void> {
  const missing = validations.filter((job) => !ledger.has(buildNote(job)));
  await crew.run(
    missing.map((build) => ({ job: { kind: "build", build, of: "foreign key" } as const })),
    () => undefined,
    signal,
  );
}

/** What the lanes must know. */
function stageOf(plan: DatabasePlan, snapshot: string, ledger: Ledger, { options, crew }: RunContext, computing: Settings): Stage {
  const encoding = passingValues(plan.catalog.database.encoding);
  return {
    source: plan.source,
    target: plan.target,
    snapshot: movesData(options.type) && !ledger.has(COPIED) ? snapshot : undefined,
    epoch: ledger.epoch,
    sourceSettings: encoding,
    targetSettings: { ...LANE_SETTINGS, ...forRows(computing), ...encoding },
    noOwner: options.noOwner,
    noPrivileges: options.noPrivileges,
    triesAgain: crew.triesAgain,
  };
}

function tableBytesOfForeignKeys(plan: DatabasePlan, large: ReadonlyMap<string, number>): (entry: Entry) => number {
  // An FK entry's name begins with its table's name; a table's own name may hold blanks, so the longest match wins.
  const bytes = new Map(plan.catalog.relations.map((relation) => [`${relation.schema}\0${relation.name}`, large.get(relation.oid) ?? 0]));
  return (entry) => {
    for (let end = entry.name.lastIndexOf(" "); end > 0; end = entry.name.lastIndexOf(" ", end - 1)) {
      const found = bytes.get(`${entry.schema}\0${entry.name.slice(0, end)}`);
      if (found !== undefined) return found;
    }
    return 0;
  };
}

function observeRefresh({ report, unfilled }: RunContext, database: string): RefreshObserver {
  return {
    refreshed: (view) => report({ event: "object", database, kind: "MATERIALIZED VIEW DATA", name: displayName(view), seconds: 0 }),
    failed: (view, error) => {
      unfilled.set(view, error.message);
      const name = displayName(view);
      report({
        event: "notice",
        level: "warning",
        message: `materialized view ${name} stays empty: ${error.message}; mend the cause, then REFRESH MATERIALIZED VIEW ${name}`,
        object: name,
      });
    },
  };
}

function nameOf(entry: Entry): string {
  return entry.schema === "-" ? entry.name : `${entry.schema}.${entry.name}`;
}

async function inStep(context: RunContext, step: "structure" | "finish" | "analyze", database: string, work: () => Promise<void>): Promise<void> {
  const { report, progress } = context;
  const since = performance.now();
  progress.step = step;
  report({ event: "step", step, state: "started", database });
  await work();
  report({ event: "step", step, state: "finished", database, seconds: (performance.now() - since) / 1000 });
}
