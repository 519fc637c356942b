import type { CopyTable } from "../../copy/chunk.ts";
import type { Settings } from "../../copy/computing-settings.ts";
import type { Ledger } from "../../copy/ledger.ts";
import type { NamedRelation, Relation } from "../../catalog/catalog.ts";
import type { Entry } from "../../structure/entry.ts";
import type { BuildJob } from "../../structure/post-data.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import { copyTables, partitionRoots } from "../../plan/plan-chunks.ts";
import type { CopiedTable } from "../../stream/copied-changes.ts";
import { followedTables } from "../../source/followed-tables.ts";
import { identityCandidates } from "../../source/source-setup.ts";
import { quoteQualified } from "../../wire/quote.ts";
import type { DatabaseResult } from "../run-context.ts";

/**
 * What following the changes of a database, and completing it, have to know: decided when its data was there, and kept in the ledger on the target, so that
 * runs that go on need not plan again (the structure may have been changed on both sides since). Plain data.
 */
export interface StreamPlan {
  /** Of the source's database. */
  readonly database: string;
  /** Tables whose changes are followed, and those (partitioned ones too) whose partitions need a replica identity, by oid. */
  readonly followed: readonly NamedRelation[];
  readonly identityOids: readonly string[];
  /** Tables whose rows were copied at a later moment than that at which the slot begins. */
  readonly copied: readonly CopiedTable[];
  readonly sequences: readonly Relation[];
  /** Materialized views to fill at Complete. */
  readonly views: readonly Relation[];
  /** Partitions whose rows go through another table on the target, by their quoted names. */
  readonly routes: readonly (readonly [partition: string, into: NamedRelation])[];
  /** Unlogged tables: no change of them is in the WAL, so they are copied at Complete. */
  readonly unlogged: readonly CopyTable[];
  readonly hasLargeObjects: boolean;
  /** Triggers, rules and foreign keys that would disturb the applying, and wait for Complete. */
  readonly deferred: readonly Entry[];
  /** All others are on the target already: the account has to go on to switch them off. Plans of earlier versions do not tell. */
  readonly bypassesTriggers?: boolean;
  /** What validates those of these foreign keys that are added NOT VALID first. */
  readonly validations: readonly BuildJob[];
  /** Event triggers: last of all. */
  readonly last: readonly Entry[];
  /** Settings of the source on which computed content depends, as far as the target knows them. */
  readonly computing: Settings;
  readonly result: DatabaseResult;
}

/** What of the plan the changes are followed of. */
export function followedOf({ catalog, selection }: DatabasePlan): Pick<StreamPlan, "database" | "followed" | "identityOids" | "routes" | "unlogged"> {
  const { tables, unlogged } = followedTables(catalog, selection.isSelected);
  const byOid = new Map(catalog.relations.map((relation) => [relation.oid, relation]));
  const isUnlogged = new Set(unlogged.map(({ oid }) => oid));
  return {
    database: catalog.database.name,
    followed: tables.map(({ schema, name }) => ({ schema, name })),
    identityOids: identityCandidates(catalog, selection.isSelected),
    routes: Array.from(partitionRoots(catalog.relations), ([oid, { schema, name }]) => {
      const partition = byOid.get(oid)!;
      return [quoteQualified(partition.schema, partition.name), { schema, name }] as const;
    }),
    unlogged: copyTables(catalog, selection.isSelected).filter(({ oid }) => isUnlogged.has(oid)),
  };
}

const NOTE = "stream plan";

/** From here on the database is followed; survives a crash of the target. A run that was cut off right behind it does this again. */
export async function keepStreamPlan(ledger: Ledger, target: Parameters<Ledger["noteOnDisk"]>[0], plan: StreamPlan): Promise<void> {
  if (ledger.has(NOTE)) await ledger.forgetJobs(target, [NOTE]);
  await ledger.noteOnDisk(target, NOTE, plan);
}

/** Undefined while its data is not there yet. */
export function streamPlanOf(ledger: Ledger): StreamPlan | undefined {
  return ledger.value(NOTE) as StreamPlan | undefined;
}
