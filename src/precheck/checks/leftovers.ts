import { publicationName } from "../../source/publication.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier, quoteLiteral } from "../../wire/quote.ts";
import { type Check, found, listed, passed } from "../check.ts";

/** Every slot and publication of a task begins with it: see source/slot.ts, source/publication.ts. */
const PREFIX = "godwit_";

export const leftovers: Check = {
  id: "leftovers",
  title: "Nothing of an earlier migration is left at the source",
  about:
    "Alarm: replication slots of Godwit that nobody reads, and publications of Godwit, in a source database that moves, and that this task did not make. An abandoned slot keeps WAL until the source's disk is full. Brings the SQL that drops them.",
  run: async ({ databases, task }) =>
    await Promise.all(
      databases.map(async ({ plan, source }) => {
        const scope = describeEndpoint(plan.source);
        const own = publicationName(task.id);
        const slots = await source.query<{ name: string }>(
          `select s.slot_name as name from pg_catalog.pg_replication_slots s
            where s.database = pg_catalog.current_database() and not s.active and pg_catalog.left(s.slot_name, ${PREFIX.length}) = '${PREFIX}' order by 1`,
        );
        const publications =
          source.versionNum < 100000
            ? []
            : await source.query<{ name: string }>(
                `select p.pubname as name from pg_catalog.pg_publication p where pg_catalog.left(p.pubname, ${PREFIX.length}) = '${PREFIX}' order by 1`,
              );
        const readers = await source.query<{ name: string }>("select s.slot_name as name from pg_catalog.pg_replication_slots s where s.active");
        const isOthers = ({ name }: { readonly name: string }): boolean => !name.startsWith(own);
        // A publication belongs to a slot of the same task: where that is being read, the task is at work.
        const isAbandoned = ({ name }: { readonly name: string }): boolean => isOthers({ name }) && !readers.some((reader) => reader.name.startsWith(`${name}_`));
        const [oldSlots, oldPublications] = [slots.filter(isOthers), publications.filter(isAbandoned)];
        if (oldSlots.length + oldPublications.length === 0) return passed(leftovers, scope);
        return found(leftovers, scope, "alarm", {
          evidence: listed([...oldSlots.map(({ name }) => `replication slot ${name}, which nobody reads`), ...oldPublications.map(({ name }) => `publication ${name}`)]),
          why: "They belong to another task: one that is paused, or one that ended without taking them back. A slot that nobody reads keeps WAL until the disk is full.",
          fix: "If the other task is still wanted, leave them, and accept the alarm. Else terminate it, or drop them.",
          fixSql: [
            ...oldSlots.map(({ name }) => `select pg_catalog.pg_drop_replication_slot(${quoteLiteral(name)});`),
            ...oldPublications.map(({ name }) => `drop publication ${quoteIdentifier(name)};`),
          ].join("\n"),
          fixOn: plan.source,
        });
      }),
    ),
};
