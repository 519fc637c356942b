import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, listed, passed } from "../check.ts";
import { settingsFix } from "../provider.ts";

/**
 * A standby has no rows of unlogged tables, and ends sessions that read what the primary wants removed:
 * https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT, https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
 */
export const standbySource: Check = {
  id: "standby-source",
  title: "A standby that is the source can be read to the end",
  about:
    "For full, where the source is a standby. Failed: unlogged tables move, whose rows a standby does not have. Alarm: max_standby_streaming_delay or max_standby_archive_delay is not -1: what is replayed ends the copy when it lasts longer than that.",
  appliesTo: ({ options }) => options.type === "full",
  run: async ({ source, databases, providers }) => {
    const scope = describeEndpoint(source.endpoint);
    const [row] = await source.query<{ standby: boolean }>("select pg_catalog.pg_is_in_recovery() as standby");
    if (row?.standby !== true) return [passed(standbySource, scope, ["the source is no standby"])];
    const unlogged = databases.flatMap(({ plan }) =>
      plan.catalog.relations
        .filter((relation) => relation.kind === "table" && relation.persistence === "unlogged" && plan.selection.isSelected(relation))
        .map(({ schema, name }) => `unlogged table ${schema}.${name} of database ${plan.source.database}`),
    );
    if (unlogged.length > 0) {
      return [
        found(standbySource, scope, "failed", {
          evidence: listed(unlogged),
          why: "Their rows are on the primary only: a standby cannot read these tables at all.",
          fix: "Name the primary as the source, or leave them out with --exclude table=….",
        }),
      ];
    }
    const delays = await source.query<{ name: string; setting: string }>(
      "select s.name, s.setting from pg_catalog.pg_settings s where s.name in ('max_standby_streaming_delay', 'max_standby_archive_delay') and s.setting <> '-1' order by 1",
    );
    if (delays.length === 0) return [passed(standbySource, scope, ["the source is a standby that waits with the replay for whoever reads"])];
    return [
      found(standbySource, scope, "alarm", {
        evidence: delays.map(({ name, setting }) => `${name} = ${setting} ms`),
        why: "When the primary removes rows or locks a table that the copy still reads, the standby waits for so long, then ends the copy, which begins anew.",
        ...settingsFix(
          providers.source,
          "Let the standby wait for the time of the migration, during which it falls behind where somebody reads for long; or name the primary as the source; or accept the alarm.",
          [...delays.map(({ name }) => `alter system set ${name} = -1;`), "select pg_catalog.pg_reload_conf();"].join("\n"),
        ),
        fixOn: source.endpoint,
      }),
    ];
  },
};
