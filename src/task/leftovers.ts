import { followsChanges, movesData } from "../plan/migration-type.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../errors/godwit-error.ts";
import type { DatabasePlan } from "../plan/database-plan.ts";
import { ledgerOwner } from "../copy/ledger.ts";
import { objectsOfPlan } from "../structure/existing-objects.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";
import { describeEndpoint, type Endpoint } from "../wire/endpoint.ts";
import { openSession, type Session } from "../wire/session.ts";

/** The target may be what broke: nobody waits long for its answer. */
const PATIENCE_MS = 5000;

/** How far a run came: what its own commits say. */
export interface Written {
  /** Databases that the run turned to: it began, moved all that is in them, and gave them their properties (owner, rights, settings) where these move. */
  readonly databases: Map<DatabasePlan, "begun" | "moved" | "complete">;
  /** Roles that were created. */
  roles: readonly string[];
}

/**
 * A run that broke off after the prechecks says in which state the target is, and what to do about it: looked up, not guessed.
 * Returns the error with that in its advice; a run that was interrupted ends with the interruption, whatever broke by it.
 */
export async function tellLeftovers(error: unknown, written: Written, databases: number, options: MigrationOptions, signal: AbortSignal): Promise<unknown> {
  const told: unknown = signal.aborted ? signal.reason : error;
  // A difference is found when everything is there; and a run that was told to stop (see task-workflow.ts) has nobody to tell.
  if (!(told instanceof GodwitError) || told.code === "data-differ") return told;
  const states = await Promise.all([...written.databases].map(async ([plan, state]) => await stateOf(plan, state, databases > 1)));
  const advice = isComplete(written, databases)
    ? [...states, completeAdvice(told, options)]
    : [told.advice, ...(states.some(isDefined) ? states : ["Nothing was left on the target."])];
  const roles = written.roles.length === 0 ? [] : [`Roles that were created stay, and the next try leaves them as they are: ${firstOf(written.roles, written.roles.length)}.`];
  return new GodwitError(told.code, told.message, {
    ...(told.object === undefined ? {} : { object: told.object }),
    advice: [...advice, ...roles].filter(isDefined).join(" "),
    cause: error,
  });
}

function isComplete({ databases: states }: Written, databases: number): boolean {
  return states.size === databases && [...states.values()].every((state) => state === "complete");
}

function completeAdvice({ retry, advice }: GodwitError, { verify, type }: MigrationOptions): string {
  if (followsChanges(type) && retry !== "automatic") return advice;
  if (followsChanges(type)) return "The data is there: the next try goes on with the changes, or with the switch, from where it stood.";
  return verify && movesData(type)
    ? "Only the comparison is missing: run `godwit verify` with the same source and target."
    : "Only a list of settings and subscriptions that do not move is missing; the migration need not run again.";
}

async function stateOf(plan: DatabasePlan, state: "begun" | "moved" | "complete", isOneOfSeveral: boolean): Promise<string | undefined> {
  const name = describeEndpoint(plan.target);
  if (state === "begun") return await leftovers(plan);
  if (state === "moved") return `${name} holds everything, but its owner, rights and settings may be missing: the next try sets them.`;
  return `${name} holds everything that was to move${isOneOfSeveral ? ", and the next try leaves it as it is" : ""}.`;
}

async function leftovers(plan: DatabasePlan): Promise<string | undefined> {
  const name = describeEndpoint(plan.target);
  const how = "the next try goes on from there.";
  try {
    await using target = await openPatiently(plan.target);
    const { names, total } = await objectsOfPlan(target, plan);
    const ledger = (await ledgerOwner(target)) !== undefined;
    if (total === 0 && !ledger && !plan.createTarget) return undefined;
    const some = firstOf([...(ledger ? ["schema godwit"] : []), ...names], total + (ledger ? 1 : 0));
    return `${name} holds part of the migration${some === "" ? "" : ` (${some})`}: ${how}`;
  } catch (error) {
    // 3D000: the database was to be created and was not.
    if (error instanceof GodwitError && error.code === "database-unknown") return undefined;
    return `${name} does not answer (its log tells why: a restart, a crash, a full disk) and may hold part of the migration: ${how}`;
  }
}

const MOST_NAMED = 4;

function firstOf(names: readonly string[], total: number): string {
  return [...names.slice(0, MOST_NAMED), ...(total > MOST_NAMED ? [`and ${total - MOST_NAMED} more`] : [])].join(", ");
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** A server that was restarted answers again after a moment. */
async function openPatiently(endpoint: Endpoint): Promise<Session> {
  const until = performance.now() + PATIENCE_MS;
  const hurried = { ...endpoint, connectTimeoutMs: PATIENCE_MS };
  for (;;) {
    try {
      // A server may also fall silent after it let us in.
      return await openSession(hurried, { settings: { statement_timeout: String(PATIENCE_MS) }, signal: AbortSignal.timeout(2 * PATIENCE_MS) });
    } catch (error) {
      if (!(error instanceof GodwitError) || error.retry !== "automatic" || performance.now() > until) throw error;
      await sleep(250);
    }
  }
}
