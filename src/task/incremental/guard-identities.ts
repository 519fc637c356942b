import { setTimeout as sleep } from "node:timers/promises";
import { displayName } from "../../catalog/catalog.ts";
import { Ledger, ledgerOwner, sessionName } from "../../copy/ledger.ts";
import { PATIENCE } from "../../source/lock-patiently.ts";
import { PUBLICATIONS_SINCE } from "../../source/publication.ts";
import { describeIdentity, setReplicaIdentities } from "../../source/replica-identity.ts";
import { decideLaterIdentities } from "../../source/source-setup.ts";
import type { Endpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import type { RunContext } from "../run-context.ts";
import type { DatabasePair } from "./followed-database.ts";
import { handOverOf } from "./hand-over.ts";
import { isSetUp, keepIdentities, sourceSetupOf, tellingBlocked } from "./source-notes.ts";
import { streamPlanOf } from "./stream-plan.ts";

const LOOK_EVERY_MS = 5000;

/**
 * Gives a replica identity to tables of the setup that have none (any more): a published one refuses the application's updates and deletes until then. To be called every few seconds as long as the
 * setup is there.
 */
export async function guardIdentities(source: Session, oids: readonly string[], ledger: Ledger, endpoint: Endpoint, context: RunContext): Promise<void> {
  const setup = sourceSetupOf(ledger);
  if (setup === undefined) return;
  const { changes, kept, impossible } = await decideLaterIdentities(source, setup, oids);
  const tell = tellingOnce(context, ledger);
  for (const table of impossible)
    tell(
      `${displayName(table)} has no key, and virtual generated columns: as long as it is published, the source refuses its updates and deletes. Give it a primary key`,
      displayName(table),
    );
  if (changes.length === 0) return;
  {
    await using target = await openSession(endpoint, { signal: context.signal, applicationName: `${sessionName(context.task.id)}/guard` });
    await keepIdentities(ledger, target, kept);
  }
  await setReplicaIdentities(source, changes, { ...PATIENCE, onBlocked: tellingBlocked(context) }, context.signal);
  const refused = source.versionNum >= PUBLICATIONS_SINCE ? "; the source may have refused its updates and deletes until now" : "";
  for (const change of changes) {
    const message = `${displayName(change)} had no replica identity, and has ${describeIdentity(change.during)} until the task ends${refused}`;
    context.report({ event: "notice", level: "warning", message, object: displayName(change) });
  }
}

/**
 * The same in the background, while nobody follows the changes yet: structure, copy and indexes take hours. Until this is disposed of. What goes wrong is told once, and tried again: a copy need not end
 * because of it.
 */
export function guardIdentitiesMeanwhile({ source: from, target }: DatabasePair, oids: readonly string[], ledger: Ledger, context: RunContext): AsyncDisposable {
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, context.signal]);
  const tell = tellingOnce(context, ledger);
  const look = async (source: Session): Promise<void> => {
    if (isSetUp(ledger)) await guardIdentities(source, oids, ledger, target, { ...context, signal });
  };
  const guard = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await using source = await openSession(from, { signal });
        for (; source.loss === undefined; await sleep(LOOK_EVERY_MS, undefined, { signal })) await look(source);
      } catch (error) {
        if (signal.aborted) return;
        tell(`replica identities of database ${from.database} could not be looked after: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  };
  const guarding = guard();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await guarding;
    },
  };
}

/** For a database whose data is there, while others of its task are not so far: see `guardIdentitiesMeanwhile`. */
export async function guardFollowedMeanwhile(pair: DatabasePair, context: RunContext): Promise<void> {
  const { task, signal, meanwhile } = context;
  await using session = await openSession(pair.target, { signal, applicationName: sessionName(task.id) });
  if ((await ledgerOwner(session)) === undefined) return; // completed, all but the note of it
  const ledger = await Ledger.open(session, task.id);
  const plan = streamPlanOf(ledger);
  if (plan !== undefined && handOverOf(ledger) === undefined) meanwhile.use(guardIdentitiesMeanwhile(pair, plan.identityOids, ledger, context));
}

/** By ledger, which lives as long as a run's work on its database. */
const told = new WeakMap<Ledger, Set<string>>();

function tellingOnce({ report }: RunContext, ledger: Ledger): (message: string, object?: string) => void {
  const known = told.get(ledger) ?? new Set();
  told.set(ledger, known);
  return (message, object) => {
    if (known.has(message)) return;
    known.add(message);
    report({ event: "notice", level: "warning", message, ...(object === undefined ? {} : { object }) });
  };
}
