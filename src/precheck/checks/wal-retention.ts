import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";
import { settingsFix } from "../provider.ts";

const GB = 1024 ** 3;
/** Less than this is written within the hour on many a server. */
const LEAST_BYTES = 16 * GB;

/** https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-MAX-SLOT-WAL-KEEP-SIZE */
export const walRetention: Check = {
  id: "wal-retention",
  title: "The source keeps the changes until they are taken",
  about:
    "For full+incremental. Alarm: max_slot_wal_keep_size (from 13 on) is smaller than what is copied, or than 16 GB: the slot, and with it all that was done, is lost when more is written than that while the copy runs or the target cannot be reached; idle_replication_slot_timeout (18) is on. Without a limit it passes: then the source's disk is what to watch.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ source, databases, providers }) => {
    const scope = describeEndpoint(source.endpoint);
    const rows = await source.query<{ name: string; setting: string }>(
      "select s.name, s.setting from pg_catalog.pg_settings s where s.name in ('max_slot_wal_keep_size', 'idle_replication_slot_timeout')",
    );
    const settings = new Map(rows.map(({ name, setting }) => [name, Number(setting)]));
    const keepMb = settings.get("max_slot_wal_keep_size") ?? -1;
    const idle = settings.get("idle_replication_slot_timeout") ?? 0;
    const wanted = Math.max(LEAST_BYTES, ...databases.map(({ plan }) => plan.catalog.database.bytes));
    const isTight = keepMb >= 0 && keepMb * 1024 ** 2 < wanted;
    if (!isTight && idle === 0) {
      return [
        passed(walRetention, scope, [keepMb < 0 ? "WAL is kept for slots without a limit: watch the free space of the source's disk" : `max_slot_wal_keep_size = ${keepMb} MB`]),
      ];
    }
    return [
      found(walRetention, scope, "alarm", {
        evidence: [...(isTight ? [`max_slot_wal_keep_size = ${keepMb} MB`] : []), ...(idle === 0 ? [] : [`idle_replication_slot_timeout = ${idle} s`])],
        why: "When the slot is behind by more, or idle for longer, the source invalidates it: the changes are gone, and the migration has to begin anew.",
        ...settingsFix(
          providers.source,
          "Switch the limits off for the time of the migration, and watch the free space of the source's disk; neither needs a restart.",
          [
            ...(isTight ? ["alter system set max_slot_wal_keep_size = -1;"] : []),
            ...(idle === 0 ? [] : ["alter system set idle_replication_slot_timeout = 0;"]),
            "select pg_catalog.pg_reload_conf();",
          ].join("\n"),
        ),
        fixOn: source.endpoint,
      }),
    ];
  },
};
