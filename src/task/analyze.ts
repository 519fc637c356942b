import { type Relation, displayName } from "../catalog/catalog.ts";
import { WorkQueue } from "../copy/lanes.ts";
import { applyEntries } from "../structure/apply-entries.ts";
import { dumpStructure } from "../structure/dump.ts";
import { parseDump } from "../structure/parse-dump.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";
import type { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import type { RunContext } from "./run-context.ts";

/**
 * Planner statistics for the new tables. A target of 18 or newer takes the source's own (pg_dump --statistics-only:
 * https://www.postgresql.org/docs/18/app-pgdump.html), which costs nothing to compute; what these leave out (extended
 * statistics) and everything on older targets is analyzed.
 */
export async function refreshStatistics(plan: DatabasePlan, context: RunContext, sessions: InterruptibleSessions): Promise<void> {
  const tables = plan.catalog.relations.filter((relation) => isAnalyzed(relation) && relation.extension === undefined && plan.selection.isSelected(relation));
  const session = await sessions.open(plan.target, { pipeline: true });
  let toAnalyze = tables;
  if (session.versionNum >= 180000) {
    await moveStatistics(plan, context, session);
    const extended = new Set(
      (
        await session.query<{ name: string }>(
          "select distinct n.nspname || '.' || c.relname as name from pg_catalog.pg_statistic_ext s join pg_catalog.pg_class c on c.oid = s.stxrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace",
        )
      ).map(({ name }) => name),
    );
    toAnalyze = tables.filter((table) => extended.has(`${table.schema}.${table.name}`) || (table.estimatedRows <= 0 && table.bytes > 0));
  }
  await analyze(plan, toAnalyze, context, sessions);
}

/** A partitioned table's ANALYZE covers its partitions; materialized views are analyzed like tables. */
function isAnalyzed(relation: Relation): boolean {
  return relation.kind === "partitionedTable" ? !relation.isPartition : relation.kind === "materializedView" || (relation.kind === "table" && !relation.isPartition);
}

async function moveStatistics(plan: DatabasePlan, context: RunContext, session: Session): Promise<void> {
  const { options, signal } = context;
  const text = await dumpStructure(
    plan.source,
    { snapshot: undefined, publications: false, noOwner: true, noPrivileges: true, statisticsOnly: true, program: options.pgDump },
    signal,
  );
  const kept = new Set(plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation)).map((relation) => `${relation.schema}\0${relation.name}`));
  for (const index of plan.indexes.values()) kept.add(`${index.schema}\0${index.name}`);
  const entries = parseDump(text).filter((entry) => entry.type === "STATISTICS DATA" && kept.has(`${entry.schema}\0${entry.name}`));
  await applyEntries(session, entries, () => undefined, signal);
}

async function analyze(plan: DatabasePlan, tables: readonly Relation[], context: RunContext, sessions: InterruptibleSessions): Promise<void> {
  const queue = new WorkQueue<readonly Relation[]>();
  const small = tables.filter((table) => table.bytes < 1024 * 1024 && table.kind === "table");
  const large = tables.filter((table) => !small.includes(table)).toSorted((a, b) => b.bytes - a.bytes);
  for (const table of large) queue.add([table]);
  for (let from = 0; from < small.length; from += 50) queue.add(small.slice(from, from + 50));
  const opened: (Session | undefined)[] = [];
  await queue.run(
    Math.max(1, Math.min(context.lanes, tables.length)),
    async (group, lane) => {
      opened[lane] ??= await sessions.open(plan.target);
      context.progress.lanes.set(lane, { doing: `analyze ${displayName(group[0]!)}`, since: Date.now() });
      await analyzeGroup(opened[lane], group, context);
      context.progress.lanes.delete(lane);
    },
    context.signal,
    sessions.stop,
  );
}

/** Missing statistics make a plan slower, not wrong: a table that cannot be analyzed (its foreign children may be out of reach) is told of. */
async function analyzeGroup(session: Session, group: readonly Relation[], context: RunContext): Promise<void> {
  const statements = group.map((table) => `analyze ${quoteQualified(table.schema, table.name)}`);
  try {
    await session.query(statements.join("; "));
  } catch (error) {
    if (session.socket.destroyed || context.signal.aborted) throw error;
    for (const [at, statement] of statements.entries()) {
      await session.query(statement).catch((cause: unknown) => {
        if (session.socket.destroyed) throw cause;
        const object = displayName(group[at]!);
        context.report({ event: "notice", level: "warning", object, message: `${object} could not be analyzed: ${cause instanceof Error ? cause.message : String(cause)}` });
      });
    }
  }
}
