import { mayBypassTriggers } from "../../complete/deferred-entries.ts";
import { forRows } from "../../copy/computing-settings.ts";
import { Ledger, ledgerOwner, sessionName } from "../../copy/ledger.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { Follower } from "../../stream/follower.ts";
import type { SourceServer } from "../../source/source-server.ts";
import type { MakeTable } from "../../stream/stream-tables.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { type Lsn, parseLsn } from "../../wire/lsn.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { INCREMENTAL_DEFAULTS } from "../../plan/migration-options.ts";
import type { RunContext } from "../run-context.ts";
import { type BegunSlot, begunSlotOf, keepSourceServer, sourceServerOf } from "./source-notes.ts";
import { guardSource } from "./guard-source.ts";
import { handOverOf } from "./hand-over.ts";
import { makePartition } from "./make-partition.ts";
import { type StreamPlan, streamPlanOf } from "./stream-plan.ts";
import { learnTold } from "./tell-first.ts";
import { TableWatch, followedNames } from "./watch-tables.ts";

export interface DatabasePair {
  readonly source: Endpoint;
  readonly target: Endpoint;
}

/** A database whose data is there and whose changes are being followed. */
export interface FollowedDatabase extends DatabasePair, AsyncDisposable {
  readonly plan: StreamPlan;
  readonly slot: BegunSlot;
  readonly ledger: Ledger;
  readonly follower: Follower;
  readonly tables: TableWatch;
  /** Hears of each transaction that was received with changes of ours, and of positions without any. */
  onReceived: ((position: Lsn, changes: number) => void) | undefined;
}

/** A database that is written to on the target already: what is left is to refresh, to put back, to remove. */
export interface HandedOver extends DatabasePair {
  readonly plan: StreamPlan;
  readonly slot: BegunSlot;
  readonly ledger: Ledger;
}

/**
 * Goes on with what the ledger on the target tells: follows the changes, unless the database was handed over already. Undefined where a run that was cut off has completed the
 * database, all but the note of it.
 */
export async function openFollowed({ source, target }: DatabasePair, context: RunContext): Promise<FollowedDatabase | HandedOver | undefined> {
  const { task, options, signal } = context;
  await using session = await openSession(target, { signal, applicationName: sessionName(task.id) });
  if (task.has(`closing ${target.database}`) && (await ledgerOwner(session)) === undefined) return undefined;
  const ledger = await Ledger.open(session, task.id);
  const plan = streamPlanOf(ledger);
  const slot = begunSlotOf(ledger);
  if (plan === undefined || slot === undefined)
    throw new GodwitError(
      "fenced",
      `${describeEndpoint(target)}: the ledger in schema godwit is not the one that this task has kept there: was the target restored from a backup?`,
    );
  if (handOverOf(ledger) !== undefined) return { source, target, plan, slot, ledger };
  if (plan.bypassesTriggers === true && !(await mayBypassTriggers(session))) throw mayNotAnyMore(target);
  await learnTold(ledger, session, context);
  const { conflicts } = options.incremental ?? INCREMENTAL_DEFAULTS;
  const hooks: Pick<FollowedDatabase, "onReceived"> = { onReceived: undefined };
  const followed = followedNames(ledger, plan.followed);
  const onReceived = (position: Lsn, changes: number): void => hooks.onReceived?.(position, changes);
  const tables = new TableWatch({ source, target }, ledger, slot, plan.identityOids, context);
  const onGuard = async (session: Session, applied: Lsn): Promise<boolean> => {
    await guardSource(session, plan, ledger, target, context);
    return await tables.look(session, applied);
  };
  const server = sourceServerOf(ledger);
  const onServer = async (found: SourceServer): Promise<void> => {
    await using session = await openSession(target, { signal, applicationName: sessionName(task.id) });
    await keepSourceServer(ledger, session, found);
  };
  const makeTable: MakeTable = async (relation, session) => await makePartition(relation, source, session, context);
  const follower = await Follower.open(
    {
      onGuard,
      ...(server === undefined ? {} : { server }),
      onServer,
      makeTable,
      meetTable: async (relation, committedAt) => await tables.meet(relation, committedAt),
      source,
      target,
      setup: slot.setup,
      from: parseLsn(slot.from),
      task: task.id,
      epoch: ledger.epoch,
      policy: conflicts,
      computing: forRows(plan.computing),
      followed,
      routes: new Map(plan.routes),
      copied: plan.copied,
      onReceived,
    },
    signal,
  );
  return Object.assign(hooks, { source, target, plan, slot, ledger, follower, tables, [Symbol.asyncDispose]: async () => await follower[Symbol.asyncDispose]() });
}

function mayNotAnyMore(target: Endpoint): GodwitError {
  return new GodwitError(
    "privilege-missing",
    `${describeEndpoint(target)}: the account may not set session_replication_role any more, and triggers, rules and foreign keys are there already`,
    {
      object: target.user,
      advice:
        "They would act a second time on changes that hold their effects. Grant it again (a superuser, or from 15 on GRANT SET ON PARAMETER session_replication_role), then retry the task.",
    },
  );
}
