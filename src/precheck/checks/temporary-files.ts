import { movesData } from "../../plan/migration-type.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed, readableBytes } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** An index that is built in less memory than it needs sorts on disk, which a session may be allowed little of. */
export const temporaryFiles: Check = {
  id: "temporary-files",
  title: "Index builds may use the target's disk",
  about: "Alarm: temp_file_limit of the account's sessions on the target is less than the indexes of a table that moves take at the source. It binds superusers, too.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async ({ databases, target }) => await Promise.all(databases.map(async (database) => await judge(database, target))),
};

/** Units of 1 kB; -1: no limit. https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-TEMP-FILE-LIMIT */
async function judge({ plan, target }: DatabaseToCheck, server: Session): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const [row] = await (target ?? server).query<{ kilobytes: string }>("select s.setting as kilobytes from pg_catalog.pg_settings s where s.name = 'temp_file_limit'");
  const limit = Number(row?.kilobytes ?? -1);
  if (limit < 0) return passed(temporaryFiles, scope, ["temp_file_limit = -1"]);
  // An index's own size is known as that of all indexes of its table.
  const moving = plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation) && relation.indexBytes > limit * 1024);
  const evidence = [`temp_file_limit = ${readableBytes(limit * 1024)}`];
  if (moving.length === 0) return passed(temporaryFiles, scope, evidence);
  const largest = moving.reduce((most, relation) => (relation.indexBytes > most.indexBytes ? relation : most));
  const user = quoteIdentifier(server.endpoint.user);
  // Nothing is stronger than a role's setting for a database: https://www.postgresql.org/docs/current/sql-alterrole.html
  const inDatabase = target === undefined ? "" : ` in database ${quoteIdentifier(plan.target.database)}`;
  return found(temporaryFiles, scope, "alarm", {
    evidence: [...evidence, `indexes of ${largest.schema}.${largest.name} take ${readableBytes(largest.indexBytes)} at the source`],
    why: "An index that is larger than maintenance_work_mem, or that several workers build together, is sorted in temporary files: its build would be refused, when all rows have been copied.",
    fix: "Let a superuser lift the limit for the account that migrates, for the time of the migration (RESET behind it); or accept the alarm where no index is so large.",
    fixSql: `alter role ${user}${inDatabase} set temp_file_limit = -1;`,
    fixOn: server.endpoint,
  });
}
