import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";
import { settingsFix } from "../provider.ts";

/** A commit waits for standbys that are named, also where none of them is there, and says nothing. */
export const synchronousStandbys: Check = {
  id: "synchronous-standbys",
  title: "The standbys that commits wait for are there",
  about:
    "synchronous_standby_names of the target asks for more standbys than are connected: every commit there would wait for them, without an end. Failed; an alarm once the task has begun. Where the account cannot see which of the connected ones are synchronous, their number decides.",
  run: async ({ target, databases, providers }) => {
    const scope = describeEndpoint(target.endpoint);
    const [row] = await target.query<{ names: string; connected: number; synchronous: number; hidden: number }>(
      `select pg_catalog.current_setting('synchronous_standby_names') as names, pg_catalog.count(r.pid)::pg_catalog.int4 as connected,
              pg_catalog.count(*) filter (where r.state = 'streaming' and r.sync_state in ('sync', 'quorum'))::pg_catalog.int4 as synchronous,
              pg_catalog.count(*) filter (where r.pid is not null and r.sync_state is null)::pg_catalog.int4 as hidden
         from (select) one left join pg_catalog.pg_stat_replication r on true`,
    );
    const { names = "", connected = 0, synchronous = 0, hidden = 0 } = row ?? {};
    if (names.trim() === "") return [passed(synchronousStandbys, scope, ["synchronous_standby_names names none"])];
    const needed = standbysNeeded(names);
    const there = hidden > 0 ? connected : synchronous;
    const evidence = [
      `synchronous_standby_names = ${names}`,
      hidden > 0 ? `${connected} standbys are connected, ${needed} needed; which of them are synchronous is hidden from the account` : `${synchronous} of ${needed} are connected`,
    ];
    if (there >= needed) return [passed(synchronousStandbys, scope, evidence)];
    return [
      found(synchronousStandbys, scope, databases.some(({ isBegun }) => isBegun) ? "alarm" : "failed", {
        evidence,
        why: "Every commit on the target would wait until these standbys are there: the migration would stand still at its first one, without an error.",
        ...settingsFix(
          providers.target,
          "Start the standbys, or let the target wait for none for the time of the migration, and name them again before the switch.",
          "alter system set synchronous_standby_names = '';\nselect pg_catalog.pg_reload_conf();",
        ),
        fixOn: target.endpoint,
      }),
    ];
  },
};

/** "a, b" and "FIRST 1 (a, b)": one; "2 (a, b, c)", "ANY 2 (a, b, c)": two. https://www.postgresql.org/docs/current/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES */
export function standbysNeeded(names: string): number {
  const many = /^\s*(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(names);
  return many === null ? 1 : Number(many[1]);
}
