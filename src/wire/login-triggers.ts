import type { Endpoint } from "./endpoint.ts";
import type { Session } from "./session.ts";

/**
 * The endpoints of two servers for all connections after the first: where a login event trigger exists (or comes from the source), and the account may
 * set `event_triggers` (a superuser, or by GRANT SET ON PARAMETER), it does not fire for them: it may write rows, and a comparison would find them.
 * Only a startup option comes before the trigger, and one that the account may not set ends the connection: so it must be known.
 * https://www.postgresql.org/docs/17/runtime-config-client.html#GUC-EVENT-TRIGGERS
 */
export async function withoutLoginTriggers(source: Session, target: Session): Promise<{ source: Endpoint; target: Endpoint }> {
  const [atSource, atTarget] = await Promise.all([hasLoginTriggers(source), hasLoginTriggers(target)]);
  return { source: atSource ? await quiet(source) : source.endpoint, target: atSource || atTarget ? await quiet(target) : target.endpoint };
}

/** In any database: several may move. https://www.postgresql.org/docs/17/catalog-pg-database.html */
async function hasLoginTriggers(session: Session): Promise<boolean> {
  if (session.versionNum < 170000) return false;
  const rows = await session.query("select from pg_catalog.pg_database where dathasloginevt");
  return rows.length > 0;
}

async function quiet(session: Session): Promise<Endpoint> {
  if (session.versionNum < 170000) return session.endpoint;
  const [row] = await session.query<{ may: boolean }>("select pg_catalog.has_parameter_privilege('event_triggers', 'set') as may");
  return row?.may === true ? { ...session.endpoint, withoutLoginTriggers: true } : session.endpoint;
}
