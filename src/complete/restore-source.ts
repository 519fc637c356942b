import { displayName } from "../catalog/catalog.ts";
import type { Patience } from "../source/lock-patiently.ts";
import { describeIdentity, type IdentityOutcome } from "../source/replica-identity.ts";
import { type SourceSetup, undoSourceSetup } from "../source/source-setup.ts";
import type { Session } from "../wire/session.ts";
import type { Aligned, StepResult } from "./step-result.ts";

/**
 * Takes everything back that the task changed at the source: slot, publication, replica identities. The last step of Complete, and what Terminate does. Idempotent. Throws
 * `slot-in-use`, `lock-unavailable`, `connection-lost`: then it is called again.
 */
export async function restoreSource(source: Session, setup: SourceSetup, patience: Patience, signal: AbortSignal): Promise<StepResult> {
  const { slot, publication, identities } = await undoSourceSetup(source, setup, patience, signal);
  const aligned: Aligned[] = [
    ...(slot === "dropped" ? [{ object: `replication slot ${setup.slot}`, to: "dropped" }] : []),
    ...(publication === "dropped" && setup.publication !== null ? [{ object: `publication ${setup.publication}`, to: "dropped" }] : []),
    ...identities.flatMap(({ change, outcome }) =>
      outcome === "changed" ? [{ object: `replica identity of ${displayName(change)}`, from: describeIdentity(change.during), to: describeIdentity(change.before) }] : [],
    ),
  ];
  return { aligned, notes: identities.flatMap(noteOf) };
}

function noteOf({ change, outcome }: IdentityOutcome): string[] {
  if (outcome === "dropped") return [`${displayName(change)} was dropped meanwhile`];
  if (outcome === "elsewise") return [`the replica identity of ${displayName(change)} was changed by somebody meanwhile, and stays`];
  return [];
}
