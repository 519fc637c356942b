import { GodwitError } from "../../errors/godwit-error.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { openReplication } from "../../wire/replication.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Tried, not guessed: the attribute, pg_hba.conf, a pooler in between and the roles of managed services all have their say. */
/** The application_name of the connection that is tried: others do not count it among those in use. */
export const CHECKING = "godwit check";

export const replicationConnection: Check = {
  id: "replication-connection",
  title: "The source account may receive changes",
  about:
    "For full+incremental. Failed: the source refuses a replication connection to the database (no REPLICATION attribute, pg_hba.conf, a pooler in between). One is opened, and closed again.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases, signal }) => await Promise.all(databases.map(async (database) => await judge(database, signal))),
};

/** No walsender is free: replication-slots says so. */
const NOT_OF_THE_ACCOUNT = new Set<string>(["too-many-connections"]);

async function judge({ plan, source }: DatabaseToCheck, signal: AbortSignal): Promise<CheckItem> {
  const scope = databaseScope(plan);
  try {
    await using replication = await openReplication(plan.source, { applicationName: CHECKING, signal });
    await replication.identify();
    return passed(replicationConnection, scope);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GodwitError)) throw error;
    if (NOT_OF_THE_ACCOUNT.has(error.code)) return passed(replicationConnection, scope, [error.message]);
    const [role] = await source.query<{ managed: boolean }>("select exists (select from pg_catalog.pg_roles r where r.rolname = 'rds_replication') as managed");
    const account = quoteIdentifier(source.endpoint.user);
    return found(replicationConnection, scope, "failed", {
      evidence: [error.message],
      why: "Changes are received over a replication connection, and the source refuses it.",
      fix: "Give the account the attribute REPLICATION, connect to PostgreSQL itself and not to a pooler, and let pg_hba.conf allow this database to the account.",
      ...(error.code === "privilege-missing"
        ? { fixSql: role?.managed === true ? `grant rds_replication to ${account};` : `alter role ${account} replication;`, fixOn: source.endpoint }
        : {}),
    });
  }
}
