import { displayName } from "../catalog/catalog.ts";
import { WorkQueue } from "../copy/lanes.ts";
import { createLedger, dropLedger } from "../copy/ledger.ts";
import { type RefreshObserver, refreshMaterializedViews } from "../copy/materialized-views.ts";
import { readSequences, setSequences } from "../copy/sequences.ts";
import { applyEntries, prepareForEntries } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import { type BuildJob, planPostData } from "../structure/post-data.ts";
import type { Session } from "../wire/session.ts";
import { refreshStatistics } from "./analyze.ts";
import { runBuild } from "./build.ts";
import { LANE_SETTINGS, copyAndBuild } from "./copy-and-build.ts";
import { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { refuseRewritten, selectedRelations, sequencesToSet } from "./plan-database.ts";
import type { DatabaseResult, RunContext } from "./run-context.ts";

/**
 * Moves one database: structure before the data, the data, indexes and constraints, what cannot be copied but must be
 * computed, statistics. Reads from top to bottom as it happens; the plan's snapshot is let go as soon as the data is there.
 */
export async function runDatabase(plan: DatabasePlan, context: RunContext): Promise<DatabaseResult> {
  const { options, report, signal, progress } = context;
  const database = plan.catalog.database.name;
  await using sessions = new InterruptibleSessions(signal);
  const admin = await sessions.open(plan.target, { pipeline: true, settings: LANE_SETTINGS });
  await prepareForEntries(admin);
  const post = planPostData(
    plan.entries.filter((entry) => entry.section === "post"),
    plan.indexes,
    tableBytesOfForeignKeys(plan),
  );
  const onApplied = (entry: Entry): void => void report({ event: "object", database, kind: entry.type, name: nameOf(entry), seconds: 0 });

  await inStep(context, "structure", database, async () => {
    await applyEntries(
      admin,
      plan.entries.filter((entry) => entry.section === "pre"),
      onApplied,
      signal,
    );
  });

  const isFull = options.type === "full";
  if (isFull) await createLedger(admin);
  const moved = await copyAndBuild(plan, post.builds, context, sessions);
  if (isFull) await refuseRewritten(plan.snapshot, plan.catalog, plan.selection.isSelected);

  const sequences = sequencesToSet(plan);
  const views = isFull ? selectedRelations(plan, "materializedView").filter((view) => view.isPopulated) : [];
  await inStep(context, "finish", database, async () => {
    if (isFull) await setSequences(admin, await readSequences(plan.snapshot.session, sequences));
    // The source may clean up behind the snapshot from here on, unless the comparison still needs it.
    if (!options.verify) await plan.snapshot[Symbol.asyncDispose]();
    await applyEntries(admin, post.rest, onApplied, signal);
    await runValidations(plan, post.validations, context, sessions);
    await refreshMaterializedViews(admin, views, observeRefresh(context, database), signal);
  });
  if (isFull && options.statistics) {
    await inStep(context, "analyze", database, async () => await refreshStatistics(plan, context, sessions));
  }
  // Sessions commit without waiting for the disk; from here on this one waits, and thereby for everything before it.
  await admin.query("set synchronous_commit = on");
  if (isFull) await dropLedger(admin); // before the event triggers, which would fire for it
  await applyEntries(admin, post.last, onApplied, signal);
  progress.lanes.clear();
  return {
    ...moved,
    indexes: plan.entries.filter((entry) => entry.type === "INDEX").length,
    constraints: plan.entries.filter((entry) => /^(?:CHECK |FK )?CONSTRAINT$/.test(entry.type)).length,
    sequences: sequences.length,
    materializedViews: views.length,
  };
}

async function runValidations(plan: DatabasePlan, validations: readonly BuildJob[], context: RunContext, sessions: InterruptibleSessions): Promise<void> {
  if (validations.length === 0) return;
  const queue = new WorkQueue<BuildJob>();
  for (const job of validations) queue.add(job);
  const opened: (Session | undefined)[] = [];
  await queue.run(
    Math.min(context.lanes, validations.length),
    async (job, lane) => {
      opened[lane] ??= await sessions.open(plan.target, { settings: LANE_SETTINGS });
      context.progress.lanes.set(lane, { doing: `foreign key ${job.objects[0]}`, since: Date.now() });
      await runBuild(opened[lane], job, queue.readyJobs === 0);
      context.progress.lanes.delete(lane);
    },
    context.signal,
    sessions.stop,
  );
}

function tableBytesOfForeignKeys(plan: DatabasePlan): (entry: Entry) => number {
  // An FK entry's name begins with its table's name; a table's own name may hold blanks, so the longest match wins.
  const bytes = new Map(plan.catalog.relations.map((relation) => [`${relation.schema}\0${relation.name}`, relation.bytes]));
  return (entry) => {
    for (let end = entry.name.lastIndexOf(" "); end > 0; end = entry.name.lastIndexOf(" ", end - 1)) {
      const found = bytes.get(`${entry.schema}\0${entry.name.slice(0, end)}`);
      if (found !== undefined) return found;
    }
    return 0;
  };
}

function observeRefresh({ report }: RunContext, database: string): RefreshObserver {
  return {
    refreshed: (view) => report({ event: "object", database, kind: "MATERIALIZED VIEW DATA", name: displayName(view), seconds: 0 }),
    failed: (view, error) => {
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
