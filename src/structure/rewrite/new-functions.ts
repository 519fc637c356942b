import { majorOf } from "../../wire/session.ts";
import { builtinName } from "./entry-text.ts";
import { type Rule, addedIn } from "./rule.ts";

/** Functions of pg_catalog that users call, by the major that added the name: the difference of two majors' pg_proc. */
const ADDED: readonly (readonly [since: number, names: string])[] = [
  [11, "json_to_tsvector jsonb_to_tsvector starts_with sha224 sha256 sha384 sha512 websearch_to_tsquery hashtextextended pg_jit_available pg_replication_slot_advance"],
  [12, "acosh asinh atanh cosh sinh tanh log10 jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first pg_partition_ancestors pg_partition_root pg_partition_tree pg_ls_tmpdir pg_ls_archive_statusdir pg_promote"],
  [13, "gcd lcm gen_random_uuid is_normalized normalize jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz jsonb_path_query_array_tz jsonb_path_query_first_tz jsonb_set_lax min_scale trim_scale pg_current_snapshot pg_current_xact_id pg_current_xact_id_if_assigned pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin pg_visible_in_snapshot pg_xact_status to_regcollation pg_get_shmem_allocations pg_stat_reset_slru"],
  [14, "bit_count bit_xor date_bin multirange range_agg range_intersect_agg string_to_table trim_array unistr pg_column_compression pg_get_backend_memory_contexts pg_log_backend_memory_contexts pg_stat_reset_replication_slot"],
  [15, "regexp_count regexp_instr regexp_like regexp_substr has_parameter_privilege pg_backup_start pg_backup_stop pg_settings_get_flags pg_ident_file_mappings pg_ls_logicalmapdir pg_ls_logicalsnapdir pg_ls_replslotdir pg_stat_have_stats pg_stat_reset_subscription_stats"],
  [16, "any_value array_sample array_shuffle date_add date_subtract erf erfc random_normal pg_input_is_valid pg_input_error_info system_user pg_log_standby_snapshot"],
  [17, "to_bin to_oct to_regtypemod unicode_assigned unicode_version icu_unicode_version uuid_extract_timestamp uuid_extract_version xmltext jsonb_populate_record_valid pg_basetype"],
  [18, "array_reverse array_sort casefold crc32 crc32c gamma lgamma uuidv4 uuidv7 has_largeobject_privilege pg_get_acl pg_get_aios pg_get_shmem_allocations_numa pg_ls_summariesdir pg_stat_reset_backend_stats"],
]; // prettier-ignore

/** Names that a newer major took away. */
const REMOVED: readonly (readonly [since: number, names: string])[] = [
  [10, "pg_current_xlog_flush_location pg_current_xlog_insert_location pg_current_xlog_location pg_is_xlog_replay_paused pg_last_xlog_receive_location pg_last_xlog_replay_location pg_switch_xlog pg_xlog_location_diff pg_xlog_replay_pause pg_xlog_replay_resume pg_xlogfile_name pg_xlogfile_name_offset"],
  [12, "abstime reltime tinterval timenow mktinterval intinterval"],
  [14, "numeric_fac currtid"],
  [15, "pg_start_backup pg_stop_backup pg_is_in_backup pg_backup_start_time"],
  [17, "pg_stat_get_bgwriter_timed_checkpoints pg_stat_get_bgwriter_requested_checkpoints pg_stat_get_checkpoint_write_time pg_stat_get_checkpoint_sync_time pg_stat_get_buf_written_backend pg_stat_get_buf_fsync_backend pg_stat_get_bgwriter_buf_written_checkpoints"],
]; // prettier-ignore

const byName = (list: typeof ADDED): Map<string, number> => new Map(list.flatMap(([since, names]) => names.split(" ").map((name) => [name, since] as const)));
const ADDED_IN = byName(ADDED);
const REMOVED_IN = byName(REMOVED);
const CALL = /\b([a-z_][a-z0-9_]*)\(/g;
const NO_EXPRESSIONS = new Set(["COMMENT", "ACL", "DEFAULT ACL", "SECURITY LABEL", "PUBLICATION"]);

export const newFunctions: Rule = {
  id: "new-functions",
  about:
    "Calls of built-in functions that the target does not have (such as gen_random_uuid before 13, any_value before 16, uuidv7 before 18; abstime after 11) in views, defaults, indexes, checks and other expressions are impossible. " +
    "Known by name, not by arguments; bodies of functions are not looked into.",
  appliesTo: () => true,
  concerns: ({ type, sql }, { context }) => !NO_EXPRESSIONS.has(type) && [...sql.matchAll(CALL)].some(([, name]) => missingFunction(name ?? "", context) !== undefined),
  rewrite: (text, { context }) => {
    for (const call of text.nodes("FuncCall")) {
      const name = builtinName(call["funcname"]) ?? "";
      const found = missingFunction(name, context);
      if (found === undefined) continue;
      if (found.isNew) return addedIn(found.since, `function ${name}()`);
      return { impossible: { feature: `function ${name}()`, since: found.since, why: `PostgreSQL ${found.since} removed this function.` } };
    }
    return undefined;
  },
};

/** Whether a name of pg_catalog is no function of the target, and since when. */
export function missingFunction(
  name: string,
  { sourceVersionNum, targetVersionNum }: { sourceVersionNum: number; targetVersionNum: number },
): { since: number; isNew: boolean } | undefined {
  const added = ADDED_IN.get(name);
  if (added !== undefined && majorOf(targetVersionNum) < added) return { since: added, isNew: true };
  const removed = REMOVED_IN.get(name);
  return removed !== undefined && majorOf(sourceVersionNum) < removed && majorOf(targetVersionNum) >= removed ? { since: removed, isNew: false } : undefined;
}
