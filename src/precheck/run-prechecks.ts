import { exclusiveLocks } from "../catalog/lock-holders.ts";
import { ledgerOwner } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import { tellingPooler } from "../wire/statement-pooling.ts";
import { type Check, type CheckItem, found, listed } from "./check.ts";
import { accountConflict } from "./checks/account-conflict.ts";
import { clocks } from "./checks/clocks.ts";
import { connections } from "./checks/connections.ts";
import { encodingCollation } from "./checks/encoding-collation.ts";
import { extensions } from "./checks/extensions.ts";
import { leftovers } from "./checks/leftovers.ts";
import { nameLegality } from "./checks/name-legality.ts";
import { objectDependency } from "./checks/object-dependency.ts";
import { ownersPresent } from "./checks/owners-present.ts";
import { parameterConflict } from "./checks/parameter-conflict.ts";
import { pooler } from "./checks/pooler.ts";
import { roleMemberships } from "./checks/role-memberships.ts";
import { roleRehearsal } from "./checks/role-rehearsal.ts";
import { rowSecurity } from "./checks/row-security.ts";
import { searchPath } from "./checks/search-path.ts";
import { sequenceLimits } from "./checks/sequence-limits.ts";
import { sourcePrivileges } from "./checks/source-privileges.ts";
import { walLevel } from "./checks/wal-level.ts";
import { replicationSlots } from "./checks/replication-slots.ts";
import { replicationConnection } from "./checks/replication-connection.ts";
import { publicationRights } from "./checks/publication-rights.ts";
import { tablesWithoutKey } from "./checks/tables-without-key.ts";
import { unfollowedChanges } from "./checks/unfollowed-changes.ts";
import { movedAtComplete } from "./checks/moved-at-complete.ts";
import { walRetention } from "./checks/wal-retention.ts";
import { oldTransactions } from "./checks/old-transactions.ts";
import { triggerBypass } from "./checks/trigger-bypass.ts";
import { structureCompatibility } from "./checks/structure-compatibility.ts";
import { synchronousStandbys } from "./checks/synchronous-standbys.ts";
import { standbySource } from "./checks/standby-source.ts";
import { structureConflict } from "./checks/structure-conflict.ts";
import { structureLimits } from "./checks/structure-limits.ts";
import { structureRehearsal } from "./checks/structure-rehearsal.ts";
import { superuserObjects } from "./checks/superuser-objects.ts";
import { tablespaces } from "./checks/tablespaces.ts";
import { taskConflict } from "./checks/task-conflict.ts";
import { targetPublications } from "./checks/target-publications.ts";
import { targetPrivileges } from "./checks/target-privileges.ts";
import { targetSpace } from "./checks/target-space.ts";
import { temporaryFiles } from "./checks/temporary-files.ts";
import { userMappings } from "./checks/user-mappings.ts";
import { valuesRepresentable } from "./checks/values-representable.ts";
import { version } from "./checks/version.ts";
import { xidAge } from "./checks/xid-age.ts";
import type { CheckContext, PrecheckContext } from "./context.ts";
import { readProvider } from "./provider.ts";
import { withoutOverruled } from "./overruled-settings.ts";
import { readTargetAccount } from "./target-account.ts";

/** Every check, in the order in which they are reported. */
export const CHECKS: readonly Check[] = [
  version,
  pooler,
  structureCompatibility,
  objectDependency,
  sourcePrivileges,
  standbySource,
  userMappings,
  structureLimits,
  targetPrivileges,
  rowSecurity,
  superuserObjects,
  structureConflict,
  targetPublications,
  taskConflict,
  leftovers,
  accountConflict,
  roleMemberships,
  roleRehearsal,
  ownersPresent,
  extensions,
  encodingCollation,
  nameLegality,
  parameterConflict,
  tablespaces,
  targetSpace,
  temporaryFiles,
  sequenceLimits,
  xidAge,
  clocks,
  connections,
  synchronousStandbys,
  walLevel,
  replicationSlots,
  replicationConnection,
  publicationRights,
  tablesWithoutKey,
  unfollowedChanges,
  movedAtComplete,
  walRetention,
  oldTransactions,
  triggerBypass,
  valuesRepresentable,
  searchPath,
  structureRehearsal,
];

/** Throws `usage` for what is no check. `option`: where it was typed. */
export function refuseUnknownChecks(ids: readonly string[], option: string): void {
  const known = CHECKS.map(({ id }) => id);
  const odd = ids.find((id) => !known.includes(id));
  if (odd !== undefined) throw new GodwitError("usage", `there is no check "${odd}"`, { object: option, advice: `Checks are: ${known.join(", ")}.` });
}

const TIME_LIMIT_MS = 30_000;
/** Of the time that a check has, what it may spend on waiting for somebody's lock; the others whose queries are behind it wait as long. */
const LOCK_SHARE = 1 / 6;

/** `GODWIT_SKIP_CHECKS=wal-level,…`: set by tests alone, to show that what a check says would really happen. */
const SKIPPED: ReadonlySet<string> = new Set((process.env["GODWIT_SKIP_CHECKS"] ?? "").split(","));

/** Runs the checks of the table side by side, then those that wait for the others, each with a time limit; the order of the answer is the order of the table. */
export async function runPrechecks(given: PrecheckContext, signal: AbortSignal, all: readonly Check[] = CHECKS, timeLimitMs: number = TIME_LIMIT_MS): Promise<CheckItem[]> {
  const checks = all.filter(({ id }) => !SKIPPED.has(id));
  const lockTimeoutMs = Math.ceil(timeLimitMs * LOCK_SHARE);
  await using sessions = new CheckSessions({ statement_timeout: String(timeLimitMs), lock_timeout: String(lockTimeoutMs) }, signal);
  const context = await openContext(given, sessions, signal);
  const run = async (check: Check): Promise<CheckItem[]> => await runOne(check, context, timeLimitMs);
  const items = await Promise.all(checks.filter(({ after, appliesTo }) => after === undefined && (appliesTo?.(context) ?? true)).map(run)).then((answers) => answers.flat());
  for (const check of checks) if (check.after?.(items) === true) items.push(...(await run(check)));
  return await withoutOverruled(items, context);
}

async function openContext(given: PrecheckContext, sessions: CheckSessions, signal: AbortSignal): Promise<CheckContext> {
  const source = await sessions.open(given.source.endpoint);
  const target = await sessions.open(given.target.endpoint);
  const databases: CheckContext["databases"][number][] = [];
  for (const { plan } of given.databases) {
    const inTarget = plan.createTarget ? undefined : await sessions.open(plan.target);
    const isBegun = inTarget !== undefined && (given.task.has(`closing ${plan.target.database}`) || (await ledgerOwner(inTarget)) === given.task.id);
    databases.push({ plan, source: await sessions.open(plan.source), target: inTarget, isBegun });
  }
  return {
    ...given,
    source,
    target,
    databases,
    account: await readTargetAccount(target),
    providers: { source: await readProvider(source), target: await readProvider(target) },
    signal,
  };
}

/** A check that cannot finish proves nothing, which the operator has to know; a lost connection ends the whole run instead. */
async function runOne(check: Check, context: CheckContext, timeLimitMs: number): Promise<CheckItem[]> {
  const { signal } = context;
  let timer: NodeJS.Timeout | undefined;
  let stop = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GodwitError("query-failed", `not finished within ${timeLimitMs / 1000} s`)), timeLimitMs);
    // Some take a refusal, also that of a cancelled statement, for an answer, and go on with the next of thousands.
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([check.run(context), late]);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GodwitError) || error.code === "connection-lost") throw tellingPooler(error);
    return [
      found(check, describeEndpoint(context.target.endpoint), "alarm", {
        evidence: [error.message, ...(error.code === "lock-unavailable" ? await locksInTheWay(context) : [])],
        why: "This check could not be finished: what it looks for may be there.",
        fix: "Mend the cause and run the check again, or accept the alarm when you know the answer.",
      }),
    ];
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

/** As evidence: "source … public.orders is locked: process 4711 (app, idle in transaction for 300 s) holds it". */
async function locksInTheWay({ databases }: CheckContext): Promise<string[]> {
  const lines: string[] = [];
  for (const session of databases.flatMap(({ source, target }) => [source, ...(target === undefined ? [] : [target])])) {
    const holders = await exclusiveLocks(session).catch(() => []); // whoever cannot look has nothing to tell
    for (const { object, text } of holders) lines.push(`${describeEndpoint(session.endpoint)}: ${object} is locked: ${text}`);
  }
  return listed(lines);
}

/** One session per database: pipelined for checks that run side by side, and without the snapshot, which a failed query would end. */
class CheckSessions implements AsyncDisposable {
  readonly #opened = new Map<string, Session>();
  readonly #settings: Readonly<Record<string, string>>;
  readonly #signal: AbortSignal;

  constructor(settings: Readonly<Record<string, string>>, signal: AbortSignal) {
    this.#settings = settings;
    this.#signal = signal;
  }

  async open(endpoint: Endpoint): Promise<Session> {
    const key = describeEndpoint(endpoint);
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const session = await openSession(endpoint, { pipeline: true, signal: this.#signal, settings: this.#settings });
    this.#opened.set(key, session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#opened.values()].map(async (session) => await session.close()));
  }
}
