import { createHash } from "node:crypto";
import { type Relation, displayName } from "../catalog/catalog.ts";
import { settingsThere } from "../copy/computing-settings.ts";
import { WorkQueue } from "../copy/lanes.ts";
import { Ledger, ledgerOwner, sessionName } from "../copy/ledger.ts";
import { type RefreshObserver, refreshMaterializedViews } from "../copy/materialized-views.ts";
import { readSequences, setSequences } from "../copy/sequences.ts";
import { applyEntries, applyEntry, prepareForEntries } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import { type BuildJob, SMALL_BYTES, planPostData } from "../structure/post-data.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { inTransaction } from "../wire/transaction.ts";
import type { Session } from "../wire/session.ts";
import { refreshStatistics } from "./analyze.ts";
import { buildNote, runBuild } from "./build.ts";
import { discardData } from "./discard-data.ts";
import { COPIED, LANE_SETTINGS, copyAndBuild } from "./copy-and-build.ts";
import { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { refuseRewritten, selectedRelations, sequencesToSet } from "./plan-database.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";

/**
 * Moves one database: structure before the data, the data, indexes and constraints, what cannot be copied but must be
 * computed, statistics. Reads from top to bottom as it happens; the plan's snapshot is let go as soon as the data is there.
 * What an earlier run of the task did, its ledger knows: that is left out, except that data begins anew when not all of it arrived
 * (its snapshot is gone). Throws `structure-changed` when the source's structure is another one than then.
 */
export async function runDatabase(plan: DatabasePlan, context: RunContext): Promise<DatabaseResult> {
  const { options, report, signal, progress } = context;
  const database = plan.catalog.database.name;
  await using sessions = new InterruptibleSessions(signal);
  const admin = await sessions.open(plan.target, { pipeline: true, settings: LANE_SETTINGS, applicationName: sessionName(context.task.id) });
  await prepareForEntries(admin);
  // Cut off between its last act and the note that it was done: what follows can all be done again.
  if (context.task.has(`closing ${plan.target.database}`) && (await ledgerOwner(admin)) === undefined) return NOTHING_DONE;
  const ledger = await Ledger.open(admin, context.task.id);
  await refuseChangedStructure(plan, ledger, admin);
  const large = new Map(Object.entries(await ledger.remember(admin, "large", () => Object.fromEntries(largeRelations(plan)))));
  const post = planPostData(
    plan.entries.filter((entry) => entry.section === "post"),
    new Map([...plan.indexes].map(([oid, index]) => [oid, { ...index, bytes: large.get(oid) ?? 0 }])),
    tableBytesOfForeignKeys(plan, large),
  );
  const onApplied = (entry: Entry): void => void report({ event: "object", database, kind: entry.type, name: nameOf(entry), seconds: 0 });

  await inStep(context, "structure", database, async () => {
    await applyEntries(
      admin,
      plan.entries.filter((entry) => entry.section === "pre"),
      onApplied,
      signal,
      { ledger, name: "structure" },
    );
  });

  const isFull = options.type === "full";
  if (isFull && !ledger.has(COPIED)) await discardData(plan, ledger, admin, context);
  const computing = await settingsThere(admin, plan.computing);
  const moved = await copyAndBuild(plan, post.builds, ledger, context, sessions, computing.known, async () => {
    await refuseRewritten(plan.snapshot, plan.catalog, plan.selection.isSelected);
    await ledger.note(admin, COPIED);
  });

  const sequences = sequencesToSet(plan);
  const views = isFull ? selectedRelations(plan, "materializedView").filter((view) => view.isPopulated) : [];
  await inStep(context, "finish", database, async () => {
    // Sequences belong to no snapshot, and its session may be gone since.
    if (isFull) await setSequences(admin, await readSequences(await sessions.open(plan.source), sequences));
    // The source may clean up behind the snapshot from here on, unless the comparison still needs it.
    if (!options.verify) await plan.snapshot[Symbol.asyncDispose]();
    await applyEntries(admin, post.rest, onApplied, signal, { ledger, name: "rest" });
    await runValidations(plan, post.validations, ledger, context, sessions);
    await fillViews(views, computing, plan, context, sessions);
  });
  if (isFull && options.statistics) {
    await inStep(context, "analyze", database, async () => await refreshStatistics(plan, context, sessions));
  }
  // Sessions commit without waiting for the disk; from here on this one waits, and thereby for everything before it.
  await admin.query("set synchronous_commit = on");
  await context.task.reached(`closing ${plan.target.database}`);
  await dropLedger(admin, ledger, post.last, onApplied);
  progress.lanes.clear();
  return {
    ...moved,
    indexes: plan.entries.filter((entry) => entry.type === "INDEX").length,
    constraints: plan.entries.filter((entry) => /^(?:CHECK |FK )?CONSTRAINT$/.test(entry.type)).length,
    sequences: sequences.length,
    materializedViews: views.filter(({ oid }) => !context.unfilled.has(oid)).length,
  };
}

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

/** What was created belongs to the structure of then: the same statements must be there now. */
async function refuseChangedStructure(plan: DatabasePlan, ledger: Ledger, admin: Session): Promise<void> {
  const hash = createHash("sha256");
  for (const { settings, sql } of plan.entries) hash.update(settings).update(sql);
  const now = hash.digest("hex");
  if ((await ledger.remember(admin, "entries", () => now)) === now) return;
  throw new GodwitError("structure-changed", `${describeEndpoint(plan.source)}: the structure is not the one that this migration began with`);
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

const NOTHING_DONE: DatabaseResult = { tables: 0, rows: 0, bytes: 0, indexes: 0, constraints: 0, sequences: 0, largeObjects: 0, materializedViews: 0 };

async function runValidations(plan: DatabasePlan, validations: readonly BuildJob[], ledger: Ledger, context: RunContext, sessions: InterruptibleSessions): Promise<void> {
  const queue = new WorkQueue<BuildJob>();
  for (const job of validations) if (!ledger.has(buildNote(job))) queue.add(job);
  if (queue.readyJobs === 0) return;
  const opened: (Session | undefined)[] = [];
  await queue.run(
    Math.min(context.lanes, validations.length),
    async (job, lane) => {
      opened[lane] ??= await sessions.open(plan.target, { settings: LANE_SETTINGS, applicationName: sessionName(context.task.id) });
      context.progress.lanes.set(lane, { doing: `foreign key ${job.objects[0]}`, since: Date.now() });
      await runBuild(opened[lane], job, ledger, queue.readyJobs === 0);
      context.progress.lanes.delete(lane);
    },
    context.signal,
    sessions.stop,
  );
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
      unfilled.add(view.oid);
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
