import { GodwitError } from "../../errors/godwit-error.ts";
import { sqlStateOf } from "../../errors/sql-state.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { openReplication } from "../../wire/replication.ts";
import type { Session } from "../../wire/session.ts";
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
    "For full+incremental. Failed: the source refuses a replication connection to the database (no REPLICATION attribute, a pooler in between, before 10 also pg_hba.conf). One is opened, and closed again. Also failed: sessions of the account act as another role (ALTER ROLE … SET role), which has no REPLICATION attribute.",
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
    return (await judgeActingRole(source, scope)) ?? passed(replicationConnection, scope);
  } catch (error) {
    signal.throwIfAborted();
    // A connection that breaks without a word says nothing about rights: it is tried again with the whole run.
    if (!(error instanceof GodwitError) || (error.code === "connection-lost" && sqlStateOf(error) === "")) throw error;
    if (NOT_OF_THE_ACCOUNT.has(error.code)) return passed(replicationConnection, scope, [error.message]);
    return found(replicationConnection, scope, "failed", {
      evidence: [error.message],
      why: "Changes are received over a replication connection, and the source refuses it.",
      fix: `Give the account the attribute REPLICATION, and connect to PostgreSQL itself and not to a pooler.${source.versionNum < PLAIN_HBA_SINCE ? " In pg_hba.conf a line for the database replication must let the account in." : ""}`,
      ...(error.code === "privilege-missing" ? { fixSql: await rightFor(source, source.endpoint.user), fixOn: source.endpoint } : {}),
    });
  }
}

/** A connection is judged by who logged in, the functions that drop and move slots by the role that the session acts as. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-REPLICATION */
async function judgeActingRole(source: Session, scope: string): Promise<CheckItem | undefined> {
  const [acting] = await source.query<{ account: string; role: string; may: boolean }>(
    `select session_user::pg_catalog.text as account, current_user::pg_catalog.text as role,
            exists (select from pg_catalog.pg_roles r where r.rolname = current_user and (r.rolreplication or r.rolsuper)
                                                      or r.rolname = 'rds_replication' and pg_catalog.pg_has_role(r.oid, 'usage')) as may`,
  );
  if (acting === undefined || acting.account === acting.role || acting.may) return undefined;
  return found(replicationConnection, scope, "failed", {
    evidence: [`sessions of the account ${acting.account} act as role ${acting.role}, which may not use replication slots`],
    why: "Slots are made over a replication connection, but dropped by the role that a session acts as: the source would refuse it.",
    fix: `Give role ${acting.role} the attribute REPLICATION, or take the setting away (ALTER ROLE … RESET role), or migrate with another account.`,
    fixSql: await rightFor(source, acting.role),
    fixOn: source.endpoint,
  });
}

async function rightFor(source: Session, role: string): Promise<string> {
  const [row] = await source.query<{ managed: boolean }>("select exists (select from pg_catalog.pg_roles r where r.rolname = 'rds_replication') as managed");
  return row?.managed === true ? `grant rds_replication to ${quoteIdentifier(role)};` : `alter role ${quoteIdentifier(role)} replication;`;
}
