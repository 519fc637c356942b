import { publicationName } from "../../source/publication.ts";
import { receiverName } from "../../source/slot.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Check, found, passed } from "../check.ts";
import { STANDBYS_FIRST, settingsFix } from "../provider.ts";
import { CHECKING } from "./replication-connection.ts";

/** Each database takes one slot and one walsender from the beginning of the copy until Complete. */
export const replicationSlots: Check = {
  id: "replication-slots",
  title: "Free replication slots and WAL senders",
  about: "For full+incremental. Failed: fewer of max_replication_slots or max_wal_senders are free at the source than databases move.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ source, databases, task, providers }) => {
    const scope = describeEndpoint(source.endpoint);
    const [row] = await source.query<{ level: string; slots: number; slotsUsed: number; senders: number; sendersUsed: number }>(
      `select pg_catalog.current_setting('wal_level') as level, pg_catalog.current_setting('max_replication_slots')::pg_catalog.int4 as slots, pg_catalog.current_setting('max_wal_senders')::pg_catalog.int4 as senders,
              (select pg_catalog.count(*) from pg_catalog.pg_replication_slots s where pg_catalog.left(s.slot_name::pg_catalog.text, pg_catalog.length($1)) <> $1)::pg_catalog.int4 as "slotsUsed",
              (select pg_catalog.count(*) from pg_catalog.pg_stat_replication r where r.application_name is distinct from $2 and r.application_name is distinct from $3)::pg_catalog.int4 as "sendersUsed"`,
      [`${publicationName(task.id)}_`, receiverName(task.id), CHECKING],
    );
    const need = databases.length;
    const { slots = 0, slotsUsed = 0, senders = 0, sendersUsed = 0 } = row ?? {};
    const limits = [
      { name: "max_replication_slots", allowed: slots, used: slotsUsed },
      { name: "max_wal_senders", allowed: senders, used: sendersUsed },
    ];
    const evidence = limits.map(({ name, allowed, used }) => `${name} = ${allowed}, ${used} of others in use, ${need} needed`);
    const short = limits.filter(({ allowed, used }) => allowed - used < need);
    if (short.length === 0) return [passed(replicationSlots, scope, evidence)];
    // A server with wal_level = minimal does not start with WAL senders, so this must not wait for another item's SQL.
    const first = row?.level === "minimal" ? ["alter system set wal_level = 'logical';"] : [];
    return [
      found(replicationSlots, scope, "failed", {
        evidence,
        why: "The source would refuse to make a slot, or to send changes.",
        ...settingsFix(
          providers.source,
          `Drop slots that nobody needs (pg_replication_slots shows them; inactive ones also keep WAL), or raise the limits and restart the source. ${STANDBYS_FIRST}`,
          [...first, ...short.map(({ name, used }) => `alter system set ${name} = ${used + need};`)].join("\n"),
        ),
        fixOn: source.endpoint,
      }),
    ];
  },
};
