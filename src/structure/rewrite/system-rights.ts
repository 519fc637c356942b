import { majorOf } from "../../wire/session.ts";
import { missingFunction } from "./new-functions.ts";
import { type Outcome, type RewriteContext, type Rule, crossesDown, crossesUp } from "./rule.ts";

/** What stands in pg_catalog by the major that added it, or took it away: the difference of two majors' pg_class, pg_attribute and pg_type. */
const ADDED: readonly (readonly [since: number, names: string])[] = [
  [10, "pg_hba_file_rules pg_partitioned_table pg_publication pg_publication_rel pg_publication_tables pg_sequence pg_sequences pg_stat_subscription pg_statistic_ext pg_subscription pg_subscription_rel"],
  [12, "pg_stat_gssapi pg_stat_progress_cluster pg_stat_progress_create_index pg_statistic_ext_data pg_stats_ext jsonpath pg_mcv_list"],
  [13, "pg_shmem_allocations pg_stat_progress_analyze pg_stat_progress_basebackup pg_stat_slru pg_snapshot regcollation xid8"],
  [14, "pg_backend_memory_contexts pg_stat_progress_copy pg_stat_replication_slots pg_stat_wal pg_stats_ext_exprs datemultirange int4multirange int8multirange nummultirange pg_brin_bloom_summary pg_brin_minmax_multi_summary tsmultirange tstzmultirange"],
  [15, "pg_ident_file_mappings pg_parameter_acl pg_publication_namespace pg_stat_recovery_prefetch pg_stat_subscription_stats"],
  [16, "pg_stat_io"],
  [17, "pg_stat_checkpointer pg_wait_events"],
  [18, "pg_aios pg_shmem_allocations_numa"],
]; // prettier-ignore

const REMOVED: readonly (readonly [since: number, names: string])[] = [
  [10, "pg_stat_replication.sent_location pg_stat_replication.write_location pg_stat_replication.flush_location pg_stat_replication.replay_location"],
  [11, "pg_class.relhaspkey pg_proc.proisagg pg_proc.proiswindow"],
  [12, "abstime reltime smgr tinterval pg_attrdef.adsrc pg_class.relhasoids pg_constraint.consrc pg_proc.protransform pg_stat_ssl.clientdn pg_statistic_ext.stxdependencies pg_statistic_ext.stxndistinct"],
  [13, "pg_pltemplate pg_stat_wal_receiver.received_lsn"],
  [14, "pg_stat_ssl.compression"],
  [15, "pg_database.datlastsysoid"],
  [17, "pg_collation.colliculocale pg_database.daticulocale pg_stat_bgwriter.buffers_backend pg_stat_bgwriter.buffers_backend_fsync pg_stat_bgwriter.buffers_checkpoint pg_stat_bgwriter.checkpoint_sync_time pg_stat_bgwriter.checkpoint_write_time pg_stat_bgwriter.checkpoints_req pg_stat_bgwriter.checkpoints_timed pg_stat_progress_vacuum.max_dead_tuples pg_stat_progress_vacuum.num_dead_tuples"],
  [18, "pg_attribute.attcacheoff pg_backend_memory_contexts.parent pg_stat_io.op_bytes pg_stat_wal.wal_sync pg_stat_wal.wal_sync_time pg_stat_wal.wal_write pg_stat_wal.wal_write_time"],
]; // prettier-ignore

/** Functions that got one more argument, with a default: who had rights on the old form has them on the new one. */
const LONGER: readonly (readonly [since: number, name: string, type: string])[] = [
  [14, "pg_create_logical_replication_slot", "boolean"],
  [14, "pg_terminate_backend", "bigint"],
  [17, "pg_create_logical_replication_slot", "boolean"],
  [17, "pg_logical_emit_message", "boolean"],
  [18, "json_strip_nulls", "boolean"],
  [18, "jsonb_strip_nulls", "boolean"],
];

const byName = (list: typeof ADDED): Map<string, number> => new Map(list.flatMap(([since, names]) => names.split(" ").map((name) => [name, since] as const)));
const ADDED_IN = byName(ADDED);
const REMOVED_IN = byName(REMOVED);
const OBJECT = /^(?:FUNCTION|TABLE|COLUMN|TYPE) (\w+)(\.\w+)?/;
const ARGUMENTS = /(?<= ON FUNCTION pg_catalog\.\w+\()[^()]*(?=\) (?:FROM|TO) )/g;

/** pg_dump writes rights on PostgreSQL's own objects where they are not those of initdb. https://www.postgresql.org/docs/current/catalog-pg-init-privs.html */
export const systemRights: Rule = {
  id: "system-rights",
  about:
    "Rights on functions, tables, columns and types of pg_catalog that the target does not have (`pg_start_backup` after 14, `pg_stat_io` before 16) are left out, with a note. " +
    "Those on functions that got another argument (`pg_terminate_backend` in 14) follow it.",
  appliesTo: ({ sourceVersionNum, targetVersionNum }) => majorOf(sourceVersionNum) !== majorOf(targetVersionNum),
  types: new Set(["ACL"]),
  concerns: ({ schema, name }) => schema === "pg_catalog" && OBJECT.test(name),
  rewrite: ({ entry, sql }, { context }) => {
    const [, name = "", column = ""] = OBJECT.exec(entry.name) ?? [];
    if (entry.name.startsWith("FUNCTION ")) return missingFunction(name, context) === undefined ? lengthen(sql, name, context) : leftOut();
    return isMissing(name, context) || isMissing(name + column, context) ? leftOut() : undefined;
  },
};

function leftOut(): Outcome {
  return { drop: true, note: "left out, the target has no such object" };
}

function isMissing(name: string, context: RewriteContext): boolean {
  const added = ADDED_IN.get(name);
  const removed = REMOVED_IN.get(name);
  return (added !== undefined && crossesDown(context, added)) || (removed !== undefined && crossesUp(context, removed));
}

/** Only what goes in counts for which function is meant; what pg_dump writes as OUT would stand in the way behind which to add. */
function lengthen(sql: string, name: string, context: RewriteContext): Outcome | undefined {
  const steps = LONGER.filter(([since, longer]) => longer === name && (crossesUp(context, since) || crossesDown(context, since)));
  if (steps.length === 0) return undefined;
  const longer = sql.replace(ARGUMENTS, (list) => {
    const input = list.split(", ").filter((argument) => !argument.startsWith("OUT "));
    const types = steps.map(([, , type]) => type);
    return (crossesUp(context, steps[0]![0]) ? [...input, ...types] : input.slice(0, -types.length)).join(", ");
  });
  return { sql: longer };
}
