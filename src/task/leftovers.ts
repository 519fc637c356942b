import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { hasLedger, objectsOfPlan } from "../structure/existing-objects.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { openSession } from "../wire/session.ts";

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
    await using target = await openSession(
      { ...plan.target, connectTimeoutMs: Math.min(plan.target.connectTimeoutMs || PATIENCE_MS, PATIENCE_MS) },
      { settings: { statement_timeout: String(PATIENCE_MS) } },
    );
    const { names, total } = await objectsOfPlan(target, plan);
    const ledger = await hasLedger(target);
    if (total === 0 && !ledger && !plan.createTarget) return undefined;
    const some = [...(ledger ? ["schema godwit"] : []), ...names.slice(0, 3), ...(total > 3 ? [`and ${total - 3} more`] : [])].join(", ");
    return `${name} holds part of the migration${some === "" ? "" : ` (${some})`}: ${how}`;
  } catch (error) {
    // 3D000: the database was to be created and was not.
    if (error instanceof GodwitError && error.code === "database-unknown") return undefined;
    return `${name} could not be asked and may hold part of the migration: ${how}`;
  }
}
