import type { Ledger } from "../../copy/ledger.ts";
import type { DatabasePlan } from "../../plan/database-plan.ts";
import { PATIENCE } from "../../source/lock-patiently.ts";
import { createSourceSlot } from "../../source/slot.ts";
import { applySourceSetup, identityCandidates, planSourceSetup } from "../../source/source-setup.ts";
import { type Lsn, formatLsn } from "../../wire/lsn.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { failpoint } from "../../errors/failpoint.ts";
import type { RunContext } from "../run-context.ts";
import { rememberFiles } from "./guard-source.ts";
import { SETUP, SLOT, forgetSlot, keepSourceServer, noteSetUp, tellingBlocked, tellingWait } from "./source-notes.ts";
import { rememberTables } from "./watch-tables.ts";

/** The slot is made, and its snapshot can be copied from until this is disposed of; what is committed behind it comes by the slot. */
export interface BegunStream extends AsyncDisposable {
  readonly snapshot: string;
  /** The snapshot holds what was committed before. */
  readonly consistentPoint: Lsn;
}

/**
 * Prepares one source database to have its changes followed: replica identities, the publication, the slot. What it changes is noted first, so that it can be taken back whatever
 * dies. A slot of an earlier run, whose snapshot is gone, is made anew: none of its changes was applied yet, and nothing is kept of what was copied (else: `go-on-copying.ts`).
 */
export async function beginStream(plan: DatabasePlan, ledger: Ledger, target: Session, context: RunContext): Promise<BegunStream> {
  const { task, report, signal } = context;
  const { catalog, selection } = plan;
  await using source = await openSession(plan.source, { signal });
  const setup = await ledger.remember(target, SETUP, await decided(planSourceSetup(source, task.id, catalog, selection.isSelected)));
  const onBlocked = tellingBlocked(context);
  const { identities } = await applySourceSetup(source, setup, catalog, selection.isSelected, { ...PATIENCE, onBlocked }, signal);
  await noteSetUp(ledger, target);
  const full = identities.filter(({ change }) => change.during.kind === "full").map(({ change }) => `${change.schema}.${change.name}`);
  if (full.length > 0) {
    const message = `tables without a key have REPLICA IDENTITY FULL until the task ends; their updates and deletes are matched row by row: ${full.slice(0, 10).join(", ")}${full.length > 10 ? " …" : ""}`;
    report({ event: "notice", level: "info", message });
  }
  await forgetSlot(ledger, target);
  const request = { name: setup.slot, plugin: setup.plugin, receiver: setup.receiver, onWait: tellingWait(context), onChanged: tellingChanged(catalog.database.name, context) };
  await using stack = new AsyncDisposableStack();
  const slot = stack.use(await createSourceSlot(source, request, signal));
  failpoint("slot created");
  const followed = identityCandidates(catalog, selection.isSelected);
  await rememberFiles(source, ledger, target, followed);
  await rememberTables(plan.snapshot.session, ledger, target, followed);
  await keepSourceServer(ledger, target, slot.server);
  await ledger.noteOnDisk(target, SLOT, formatLsn(slot.consistentPoint));
  stack.move();
  return slot;
}

/** See `createSourceSlot`. */
function tellingChanged(database: string, { report }: RunContext): (relations: readonly string[], isMadeAgain: boolean) => void {
  return (relations, isMadeAgain) => {
    const names = `${relations.slice(0, 10).join(", ")}${relations.length > 10 ? " …" : ""}`;
    const message = isMadeAgain
      ? `database ${database}: the replication slot is made again, as PostgreSQL may lose track of what was truncated, created or altered while it was made: ${names}`
      : `database ${database}: something is truncated, created or altered whenever the replication slot is made (${names}): if PostgreSQL has lost track of it, the task stops with slot-lost when it comes by there; then begin anew at a quiet moment`;
    report({ event: "notice", level: isMadeAgain ? "info" : "warning", message });
  };
}

/** `remember` decides at once; what has to be asked for is asked before, and is not used where something is remembered. */
async function decided<T>(asking: Promise<T>): Promise<() => T> {
  const answer = await asking;
  return () => answer;
}
