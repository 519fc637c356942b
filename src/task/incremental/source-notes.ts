import type { Ledger } from "../../copy/ledger.ts";
import type { Blocked } from "../../source/lock-patiently.ts";
import type { IdentityChange } from "../../source/replica-identity.ts";
import type { SourceServer } from "../../source/source-server.ts";
import type { SourceSetup } from "../../source/source-setup.ts";
import type { Session } from "../../wire/session.ts";
import type { RunContext } from "../run-context.ts";

/** How the ledger on the target calls what is changed at the source, and where the slot began. */
export const SETUP = "source setup";
export const SLOT = "slot made";
/** A note for each timeline of the source: the newest is the one that changes came from last. */
const SERVER = "source timeline ";
const LATER_IDENTITIES = "identities ";
const SET_UP = "source set up";

/** Where a database's slot began, and what was changed for it at its source. Plain data. */
export interface BegunSlot {
  readonly setup: SourceSetup;
  /** The slot's consistent point, as "16/B374D848". */
  readonly from: string;
}

/** The server that the changes so far came from; undefined where it was never noted. */
export function sourceServerOf(ledger: Ledger): SourceServer | undefined {
  const servers = ledger.jobs(SERVER).map((job) => ledger.value(job) as SourceServer);
  return servers.toSorted((a, b) => b.timeline - a.timeline)[0];
}

/** On disk before any change of that server is applied. */
export async function keepSourceServer(ledger: Ledger, target: Session, server: SourceServer): Promise<void> {
  await ledger.noteOnDisk(target, `${SERVER}${server.timeline}`, server);
}

/** When the slot is about to be made: nothing has come by it. */
export async function forgetSlot(ledger: Ledger, target: Session): Promise<void> {
  for (const note of [SLOT, SERVER]) await ledger.forget(target, note);
}

/** Undefined before the slot is made. */
export function begunSlotOf(ledger: Ledger): BegunSlot | undefined {
  const from = ledger.value(SLOT) as string | undefined;
  const setup = sourceSetupOf(ledger);
  return from === undefined || setup === undefined ? undefined : { setup, from };
}

/** What was, or was about to be, changed at the source; undefined when nothing was. */
export function sourceSetupOf(ledger: Ledger): SourceSetup | undefined {
  const setup = ledger.value(SETUP) as SourceSetup | undefined;
  if (setup === undefined) return undefined;
  const later = ledger.jobs(LATER_IDENTITIES).toSorted((a, b) => numberOf(a) - numberOf(b));
  const identities = [...setup.identities, ...later.flatMap((job) => ledger.value(job) as IdentityChange[])];
  return { ...setup, identities: [...new Map(identities.map((change) => [change.oid, change])).values()] };
}

function numberOf(job: string): number {
  return Number(job.slice(LATER_IDENTITIES.length));
}

/** Replica identities that are about to be changed later on; they stand in place of what was kept of the same tables before. */
export async function keepIdentities(ledger: Ledger, target: Session, changes: readonly IdentityChange[]): Promise<void> {
  await ledger.noteOnDisk(target, `${LATER_IDENTITIES}${ledger.jobs(LATER_IDENTITIES).length + 1}`, changes);
}

/** All that the setup changes at the source is there: what comes later has to be looked after. */
export async function noteSetUp(ledger: Ledger, target: Session): Promise<void> {
  if (!ledger.has(SET_UP)) await ledger.note(target, SET_UP);
}

export function isSetUp(ledger: Ledger): boolean {
  return ledger.has(SET_UP);
}

/** Tells who is in the way of a lock at the source: in the progress as often as it is found, in the log each once. */
export function tellingBlocked(context: Tells): (blocked: Blocked) => void {
  const tell = tellingOnce(context);
  return ({ object, blockers }) => tell(`the source waits for a lock on ${object}: held by `, blockers, object);
}

/** Making a slot may take as long as others write. */
export function tellingWait(context: Tells): (blockers: readonly string[]) => void {
  const tell = tellingOnce(context);
  return (blockers) => tell("the slot waits for transactions that write: ", blockers);
}

type Tells = Pick<RunContext, "report" | "progress">;

/** Blockers are like "process 4711 (app, idle in transaction for 300 s)": who they are, and facts that change. */
function tellingOnce({ report, progress }: Tells): (what: string, blockers: readonly string[], object?: string) => void {
  const told = new Set<string>();
  return (what, blockers, object) => {
    if (blockers.length === 0) return;
    progress.blocked = { text: `${what}${blockers.join(", ")}`, at: Date.now() };
    const news = blockers.filter((blocker) => {
      const key = `${object} ${blocker.split(" (")[0]}`;
      return !told.has(key) && told.add(key);
    });
    if (news.length > 0) report({ event: "notice", level: "warning", message: `${what}${news.join(", ")}`, ...(object === undefined ? {} : { object }) });
  };
}
