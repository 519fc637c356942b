import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { hasLedger, objectsOfPlan } from "../structure/existing-objects.ts";
import { describeEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { openSession, type Session } from "../wire/session.ts";

/** The target may be what broke: nobody waits long for its answer. */
const PATIENCE_MS = 5000;

/**
 * A run that broke off after it began to write says in which state the target is, and what to do about it: looked up, not guessed.
 * Returns the error with that added to its advice; a run that was interrupted ends with the interruption, whatever broke by it.
 */
export async function tellLeftovers(error: unknown, plans: readonly DatabasePlan[], signal: AbortSignal): Promise<unknown> {
  const told: unknown = signal.aborted ? signal.reason : error;
  // A difference is found when everything is there.
  if (!(told instanceof GodwitError) || told.code === "data-differ") return told;
  const states = await Promise.all(plans.map(leftovers));
  const words = states.filter((state) => state !== undefined);
  const advice = `${told.advice} ${words.length === 0 ? "Nothing was left on the target." : words.join(" ")}`;
  return new GodwitError(told.code, told.message, { ...(told.object === undefined ? {} : { object: told.object }), advice, cause: error });
}

async function leftovers(plan: DatabasePlan): Promise<string | undefined> {
  const name = describeEndpoint(plan.target);
  const how = plan.createTarget
    ? `before the next run: drop database ${quoteIdentifier(plan.target.database)};`
    : "before the next run drop the database and create it again, or remove what was created.";
  try {
    await using target = await openPatiently(plan.target);
    const { names, total } = await objectsOfPlan(target, plan);
    const ledger = await hasLedger(target);
    if (total === 0 && !ledger && !plan.createTarget) return undefined;
    const some = [...(ledger ? ["schema godwit"] : []), ...names.slice(0, 3), ...(total > 3 ? [`and ${total - 3} more`] : [])].join(", ");
    return `${name} holds part of the migration${some === "" ? "" : ` (${some})`}: ${how}`;
  } catch (error) {
    // 3D000: the database was to be created and was not.
    if (error instanceof GodwitError && error.code === "database-unknown") return undefined;
    return `${name} does not answer (its log tells why: a restart, a crash, a full disk) and may hold part of the migration: ${how}`;
  }
}

/** A server that was restarted answers again after a moment. */
async function openPatiently(endpoint: Endpoint): Promise<Session> {
  const until = performance.now() + PATIENCE_MS;
  const hurried = { ...endpoint, connectTimeoutMs: PATIENCE_MS };
  for (;;) {
    try {
      return await openSession(hurried, { settings: { statement_timeout: String(PATIENCE_MS) } });
    } catch (error) {
      if (!(error instanceof GodwitError) || error.retry !== "automatic" || performance.now() > until) throw error;
      await sleep(250);
    }
  }
}
