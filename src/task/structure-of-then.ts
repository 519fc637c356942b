import { gunzipSync, gzipSync } from "node:zlib";
import { type Relation, displayName } from "../catalog/catalog.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Ledger } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { copyTables } from "../plan/plan-chunks.ts";
import { describeEntry } from "../structure/apply-entries.ts";
import type { Entry } from "../structure/entry.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import type { Session } from "../wire/session.ts";
import { inTransaction } from "../wire/transaction.ts";
import { withoutReplicaIdentities } from "./without-replica-identities.ts";
import type { RunContext } from "./run-context.ts";

/**
 * A run that goes on creates what the first one would have created, and copies what it would have copied: the structure of then, which the ledger keeps. So it is no matter
 * what became of it at the source meanwhile (rights, comments, indexes, new tables), as it is no matter in a run that nobody cuts off; it is told. What must be as it was then are the tables
 * that are still to be copied: COPY reads them as they are now.
 */
const ENTRIES = "entries of then ";
const RELATIONS = "relations of then ";
const INDEXES = "indexes of then ";
const REST = "schema of then";
/** Small enough for one JSON text, whatever the structure's size. */
const PER_NOTE = 5000;
const MOST_NAMED = 10;

interface KeptRelation extends Relation {
  readonly isSelected: boolean;
  /** Of a table: digest of its name and columns. */
  readonly shape: string | undefined;
}

/** The plan with the structure of the task's first run: in that run the same plan. */
export async function withStructureOfThen(plan: DatabasePlan, ledger: Ledger, target: Session, context: RunContext): Promise<DatabasePlan> {
  const { catalog, selection } = plan;
  if (!ledger.has(REST)) {
    const shapes = await readShapes(plan.snapshot.session, copiedOids(plan));
    await inTransaction(target, async () => {
      await keep(ledger, target, ENTRIES, plan.entries);
      await keep(
        ledger,
        target,
        RELATIONS,
        catalog.relations.map((relation): KeptRelation => ({ ...relation, isSelected: selection.isSelected(relation), shape: shapes.get(relation.oid) })),
      );
      await keep(ledger, target, INDEXES, [...plan.indexes]);
      await ledger.note(target, REST, { extensions: catalog.extensions });
    });
    return plan;
  }
  const relations = kept<KeptRelation>(ledger, RELATIONS);
  const selected = new Set(relations.filter((relation) => relation.isSelected).map(({ oid }) => oid));
  const entries = kept<Entry>(ledger, ENTRIES);
  tellDifferences(entries, plan, context);
  return {
    ...plan,
    entries,
    indexes: new Map(kept<readonly [string, IndexFacts]>(ledger, INDEXES)),
    catalog: { ...catalog, relations, ...(ledger.value(REST) as Pick<DatabasePlan["catalog"], "extensions">) },
    selection: { ...selection, isSelected: ({ oid }) => selected.has(oid) },
    cameSince: cameSince(plan, relations, selected),
  };
}

/**
 * The tables that are copied must be called as they were then, with the same columns of the same types: what an update wrote into a new column before the snapshot would come neither with the copy nor with
 * the stream. `source`: sees what is to be copied, or what is later. Throws `structure-changed`.
 */
export async function refuseReshaped(source: Session, ledger: Ledger): Promise<void> {
  const tables = kept<KeptRelation>(ledger, RELATIONS).filter(({ shape }) => shape !== undefined);
  const now = await readShapes(
    source,
    tables.map(({ oid }) => oid),
  );
  refuse(
    source,
    tables.filter(({ oid, shape }) => now.get(oid) !== shape),
    "dropped, renamed, or with other columns than when this migration began",
  );
}

/** Where all is copied from the beginning, what is then at the source is all there will be: no stream tells of tables that came before, or became partitions of another one. Throws `structure-changed`. */
export function refuseCame({ snapshot, cameSince: tables = [] }: DatabasePlan): void {
  refuse(snapshot.session, tables, "new, or attached to another table or detached, since this migration began");
}

function refuse(source: Session, tables: readonly Relation[], what: string): void {
  if (tables.length === 0) return;
  const names = tables.map(displayName);
  throw new GodwitError("structure-changed", `${describeEndpoint(source.endpoint)}: ${what}: ${listed(names)}`, { object: names[0]! });
}

function copiedOids({ catalog, selection }: DatabasePlan): string[] {
  return copyTables(catalog, selection.isSelected).map(({ oid }) => oid);
}

function cameSince(plan: DatabasePlan, then: readonly Relation[], selected: ReadonlySet<string>): Relation[] {
  const parents = new Map(then.map((relation) => [relation.oid, relation.parents.join(" ")]));
  const copied = new Set(copiedOids(plan));
  return plan.catalog.relations.filter(({ oid, parents: now }) => copied.has(oid) && (!selected.has(oid) || parents.get(oid) !== now.join(" ")));
}

function tellDifferences(then: readonly Entry[], { source, entries }: DatabasePlan, { report }: RunContext): void {
  const [were, are] = [byObject(then), byObject(entries)];
  const differences = [
    ["new", [...are.keys()].filter((key) => !were.has(key))],
    ["gone", [...were.keys()].filter((key) => !are.has(key))],
    ["altered", [...were].flatMap(([key, sql]) => (are.has(key) && are.get(key) !== sql ? [key] : []))],
  ] as const;
  const told = differences.flatMap(([what, keys]) => (keys.length === 0 ? [] : [`${what}: ${listed(keys.map((key) => key.slice(key.indexOf("\0") + 1)))}`]));
  if (told.length === 0) return;
  const message = `${describeEndpoint(source)}: the structure has changed since this migration began, and is moved as it was then; ${told.join("; ")}`;
  report({ event: "notice", level: "warning", message });
}

/** Statements by what they are about; an object may have several entries of one name. Replica identities are what we ourselves change at the source. */
function byObject(entries: readonly Entry[]): Map<string, string> {
  const sql = new Map<string, string>();
  for (const entry of entries) {
    const key = `${entry.catalogOid} ${entry.oid}\0${describeEntry(entry)}`;
    sql.set(key, `${sql.get(key) ?? ""}${entry.settings}${withoutReplicaIdentities(entry.sql)}`);
  }
  return sql;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, MOST_NAMED).join(", ")}${names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ""}`;
}

async function keep(ledger: Ledger, target: Session, prefix: string, items: readonly unknown[]): Promise<void> {
  for (let from = 0; from < items.length; from += PER_NOTE)
    await ledger.note(target, `${prefix}${from}`, gzipSync(JSON.stringify(items.slice(from, from + PER_NOTE)), { level: 1 }).toString("base64"));
}

function kept<T>(ledger: Ledger, prefix: string): T[] {
  const numbers = ledger.jobs(prefix).map((job) => Number(job.slice(prefix.length)));
  return numbers.toSorted((a, b) => a - b).flatMap((from) => JSON.parse(gunzipSync(Buffer.from(ledger.value(`${prefix}${from}`) as string, "base64")).toString()) as T[]);
}

async function readShapes(session: Session, oids: readonly string[]): Promise<Map<string, string>> {
  const generated = session.versionNum >= 120000 ? "a.attgenerated::pg_catalog.text" : "''::pg_catalog.text";
  const rows = await session.query<{ oid: string; shape: string }>(
    `select c.oid::pg_catalog.text as oid, pg_catalog.md5(pg_catalog.concat(n.nspname, '.', c.relname, E'\\n', a.columns)) as shape
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join (select a.attrelid, pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attnum, pg_catalog.quote_ident(a.attname), pg_catalog.format_type(a.atttypid, a.atttypmod), ${generated}),
                                                           E'\\n' order by a.attnum) as columns
                    from pg_catalog.pg_attribute a where a.attrelid = any($1::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped group by a.attrelid) a on a.attrelid = c.oid
      where c.oid = any($1::pg_catalog.oid[])`,
    [oids],
  );
  return new Map(rows.map(({ oid, shape }) => [oid, shape]));
}
