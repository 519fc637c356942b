import { GodwitError } from "../../errors/godwit-error.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { openReplication } from "../../wire/replication.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** The application_name of the connection that is tried: others do not count it among those in use. */
export const CHECKING = "godwit check";

/** Tried, not guessed: the attribute, a pooler in between and the roles of managed services all have their say. */
export const replicationConnection: Check = {
  id: "replication-connection",
  title: "The source account may receive changes",
  about:
    "For full+incremental. Failed: the source refuses a replication connection to the database (no REPLICATION attribute, a pooler in between, before 10 also pg_hba.conf). One is opened, and closed again.",
  appliesTo: ({ options }) => options.type === "full+incremental",
  run: async ({ databases, signal }) => await Promise.all(databases.map(async (database) => await judge(database, signal))),
};

/** No walsender is free, or the role or database has no connection left: replication-slots and connections say so. */
const NOT_OF_THE_ACCOUNT = new Set<string>(["too-many-connections"]);

/** From 10 on lines for the database itself count for logical replication, too: who got a session gets this one. https://www.postgresql.org/docs/10/auth-pg-hba-conf.html */
const PLAIN_HBA_SINCE = 100000;

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
      fix: `Give the account the attribute REPLICATION, and connect to PostgreSQL itself and not to a pooler.${source.versionNum < PLAIN_HBA_SINCE ? " In pg_hba.conf a line for the database replication must let the account in." : ""}`,
      ...(error.code === "privilege-missing"
        ? { fixSql: role?.managed === true ? `grant rds_replication to ${account};` : `alter role ${account} replication;`, fixOn: source.endpoint }
        : {}),
    });
  }
}
