import { GodwitError } from "../errors/godwit-error.ts";
import type { Session } from "../wire/session.ts";

/**
 * Whether the account may set session_replication_role, under which triggers, rules and foreign keys do not see what is applied: a superuser may, and from 15 on
 * whoever was granted it. Tried, because managed servers have ways of their own. https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
 */
export async function mayReplicate(target: Session): Promise<boolean> {
  try {
    await target.query("begin; set local session_replication_role = replica");
    return true;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "privilege-missing") return false;
    throw error;
  } finally {
    await target.query("rollback");
  }
}
