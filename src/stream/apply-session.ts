import type { Settings } from "../copy/computing-settings.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";

/** Rows are found by their keys, many at a time: a generic plan with an index is right each time, and planning it again costs more than running it. */
const SETTINGS: readonly (readonly [name: string, value: string, since: number])[] = [
  ["synchronous_commit", "off", 0],
  ["enable_hashjoin", "off", 0],
  ["enable_mergejoin", "off", 0],
  ["enable_seqscan", "off", 0],
  ["enable_bitmapscan", "off", 0],
  ["enable_material", "off", 0],
  ["jit", "off", 110000], // the price of a plan without sequential scans says nothing
  ["plan_cache_mode", "force_generic_plan", 120000],
];

/**
 * The session that applies changes. `isReplica`: triggers and foreign keys do not act on what it writes
 * (https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE). Accounts that may not ask for that work too: then the
 * target must not have them yet. `computing`: what generated columns, CHECK constraints and indexes are computed under; see docs/decisions/computing-settings.md.
 */
export async function openApplySession(
  target: Endpoint,
  applicationName: string,
  computing: Settings,
  signal: AbortSignal,
): Promise<{ readonly session: Session; readonly isReplica: boolean }> {
  const session = await openSession(target, { applicationName, signal, settings: computing });
  try {
    for (const [name, value, since] of SETTINGS) {
      if (session.versionNum >= since) await session.query("select pg_catalog.set_config($1, $2, false)", [name, value]);
    }
    return { session, isReplica: await becomeReplica(session) };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function becomeReplica(session: Session): Promise<boolean> {
  try {
    await session.query("set session_replication_role = replica");
    return true;
  } catch (error) {
    if (error instanceof GodwitError && error.code === "privilege-missing") return false;
    throw error;
  }
}
