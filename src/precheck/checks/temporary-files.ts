import { movesData } from "../../plan/migration-type.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { displayName } from "../../catalog/catalog.ts";
import { type Check, type CheckItem, found, listed, passed, readableBytes } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** An index that is built in less memory than it needs sorts on disk, which a session may be allowed little of. */
export const temporaryFiles: Check = {
  id: "temporary-files",
  title: "Index builds may use the target's disk",
  about:
    "Alarm: temp_file_limit of the account's sessions on the target is less than the indexes of a table that moves take at the source, or is set where materialized views are to be filled. It binds superusers, too.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async ({ databases, target }) => await Promise.all(databases.map(async (database) => await judge(database, target))),
};

/** Units of 1 kB; -1: no limit. https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-TEMP-FILE-LIMIT */
async function judge({ plan, target }: DatabaseToCheck, server: Session): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const [row] = await (target ?? server).query<{ kilobytes: string; source: string }>(
    "select s.setting as kilobytes, s.source from pg_catalog.pg_settings s where s.name = 'temp_file_limit'",
  );
  // What is said for the database that we are connected to does not hold in the one that will be created.
  const isOfOther = target === undefined && (row?.source.startsWith("database") ?? false);
  const limit = isOfOther ? -1 : Number(row?.kilobytes ?? -1);
  if (limit < 0) return passed(temporaryFiles, scope, ["temp_file_limit = -1"]);
  // An index's own size is known as that of all indexes of its table.
  const moving = plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation) && relation.indexBytes > limit * 1024);
  const evidence = [`temp_file_limit = ${readableBytes(limit * 1024)}`];
  const views = plan.catalog.relations.filter((relation) => relation.kind === "materializedView" && plan.selection.isSelected(relation));
  if (moving.length + views.length === 0) return passed(temporaryFiles, scope, evidence);
  const [largest] = moving.toSorted((one, other) => other.indexBytes - one.indexBytes);
  const user = quoteIdentifier(server.endpoint.user);
  // Nothing is stronger than a role's setting for a database: https://www.postgresql.org/docs/current/sql-alterrole.html
  const inDatabase = target === undefined ? "" : ` in database ${quoteIdentifier(plan.target.database)}`;
  return found(temporaryFiles, scope, "alarm", {
    evidence: [
      ...evidence,
      ...(largest === undefined ? [] : [`indexes of ${largest.schema}.${largest.name} take ${readableBytes(largest.indexBytes)} at the source`]),
      ...listed(views.map((view) => `materialized view ${displayName(view)}: its query may use more`)),
    ],
    why: "An index that is larger than maintenance_work_mem, or that several workers build together, is sorted in temporary files: its build would be refused, when all rows have been copied. So would be a query that fills a materialized view.",
    fix: "Let a superuser lift the limit for the account that migrates, for the time of the migration (RESET behind it); or accept the alarm where no index is so large, and no view's query either.",
    fixSql: `alter role ${user}${inDatabase} set temp_file_limit = -1;`,
    fixOn: server.endpoint,
  });
}
