import { type Relation, displayName } from "../catalog/catalog.ts";
import { type UnreadableRelation, unreadableRelations } from "../catalog/read-unreadable.ts";
import { applyEntries } from "../structure/apply-entries.ts";
import { dumpStructure } from "../structure/dump.ts";
import { parseDump } from "../structure/parse-dump.ts";
import { quoteQualified } from "../wire/quote.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { Crew } from "./lanes/crew.ts";
import type { InterruptibleSessions } from "./interruptible-sessions.ts";
import type { JobResult } from "./lanes/lane-job.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import type { RunContext } from "./run-context.ts";

/**
 * Planner statistics for the new tables. A target of 18 or newer takes the source's own (pg_dump --statistics-only:
 * https://www.postgresql.org/docs/18/app-pgdump.html), which costs nothing to compute; what these leave out (extended
 * statistics) and everything on older targets is analyzed.
 */
export async function refreshStatistics(plan: DatabasePlan, context: RunContext, sessions: InterruptibleSessions, crew: Crew): Promise<void> {
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
  await analyze(toAnalyze, context, crew);
}

/** A partitioned table's ANALYZE covers its partitions; materialized views are analyzed like tables. */
function isAnalyzed(relation: Relation): boolean {
  return relation.kind === "partitionedTable" ? !relation.isPartition : relation.kind === "materializedView" || (relation.kind === "table" && !relation.isPartition);
}

/** pg_dump locks what it describes, statistics or all; what the account may not read would end it. */
async function readUnreadable({ source }: DatabasePlan, signal: AbortSignal): Promise<readonly UnreadableRelation[]> {
  await using session = await openSession(source, { signal });
  return await unreadableRelations(session);
}

async function moveStatistics(plan: DatabasePlan, context: RunContext, session: Session): Promise<void> {
  const { options, signal } = context;
  const leaveOut = await readUnreadable(plan, signal);
  const text = await dumpStructure(
    plan.source,
    { snapshot: undefined, publications: false, noOwner: true, noPrivileges: true, leaveOut, statisticsOnly: true, program: options.pgDump },
    signal,
  );
  const selected = plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation));
  const kept = new Set(selected.map((relation) => `${relation.schema}\0${relation.name}`));
  const oids = new Set(selected.map(({ oid }) => oid));
  for (const index of plan.indexes.values()) if (oids.has(index.tableOid)) kept.add(`${index.schema}\0${index.name}`);
  const there = await session.query<{ schema: string; name: string }>(
    "select n.nspname as schema, c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid >= 16384",
  );
  const known = new Set(there.map(({ schema, name }) => `${schema}\0${name}`).filter((name) => kept.has(name)));
  const entries = parseDump(text).filter((entry) => entry.type === "STATISTICS DATA" && known.has(`${entry.schema}\0${entry.name}`));
  await applyEntries(session, entries, () => undefined, signal);
}

/** Large tables first, each by itself; small ones share a job. */
async function analyze(tables: readonly Relation[], context: RunContext, crew: Crew): Promise<void> {
  const small = tables.filter((table) => table.bytes < 1024 * 1024 && table.kind === "table");
  const large = tables.filter((table) => !small.includes(table)).toSorted((a, b) => b.bytes - a.bytes);
  const groups: (readonly Relation[])[] = large.map((table) => [table]);
  for (let from = 0; from < small.length; from += SMALL_PER_JOB) groups.push(small.slice(from, from + SMALL_PER_JOB));
  const queued = groups.map((group) => ({
    job: { kind: "analyze", tables: group.map((table) => ({ display: displayName(table), sql: `analyze ${quoteQualified(table.schema, table.name)}` })) } as const,
  }));
  const tell = ({ warnings }: JobResult): void => {
    for (const warning of warnings) context.report({ event: "notice", level: "warning", ...warning });
  };
  await crew.run(queued, tell, context.signal);
}

const SMALL_PER_JOB = 50;
