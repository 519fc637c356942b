import { setTimeout as sleep } from "node:timers/promises";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { SESSION_MODE, isStatementPooling } from "../../wire/statement-pooling.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";

export const pooler: Check = {
  id: "pooler",
  title: "No pooler hands sessions to others",
  about:
    "Failed: between two transactions of one connection another connection gets its server process, as with PgBouncer in transaction mode: settings, snapshots, locks and prepared statements are then somebody else's; or transactions are refused, as in statement mode. Passes with a remark: a pooler that keeps sessions apart.",
  run: async (context) => await Promise.all([judge(context, context.source), judge(context, context.target)]),
};

/** A pooler makes process numbers of its own up, to be able to cancel: they are not what the server says. */
async function judge(context: CheckContext, { endpoint }: Session): Promise<CheckItem> {
  const scope = describeEndpoint(endpoint);
  await using session = await openSession(endpoint, { signal: context.signal });
  const first = await processOf(session);
  if (first === session.backendPid) return passed(pooler, scope);
  const told = await tellSharing(context.signal, session, first);
  if (told === undefined) return passed(pooler, scope, [`there is a pooler in between, which keeps sessions apart (server process ${first}, told as ${session.backendPid})`]);
  return found(pooler, scope, "failed", {
    evidence: [told],
    why: "Settings that make text the same, the snapshot that all lanes share, advisory locks and prepared statements belong to a session, which such a pooler hands to others after each transaction.",
    fix: SESSION_MODE,
  });
}

const OTHERS = 2;
/** For a process, where all of a small pool are in use. */
const PATIENCE_MS = 3000;

/** How it is known that the session's process is not its own; undefined where it is. */
async function tellSharing(signal: AbortSignal, session: Session, first: number): Promise<string | undefined> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const others: Session[] = [];
  try {
    // While others are in transactions, whoever shares gets another process than before: one of theirs may be its own.
    while (others.length < OTHERS && !patience.aborted) {
      // None may be free: each belongs to a session, or all are busy.
      const theirs = await beginAnother(session.endpoint, patience, others).catch((error: unknown) => {
        if (isStatementPooling(error)) return error.message;
        if (signal.aborted || !patience.aborted) throw error;
        return 0;
      });
      if (typeof theirs === "string") return theirs;
      if (theirs === first) return `server process ${first} did transactions of two connections`;
    }
    const again = await Promise.race([processOf(session), sleep(PATIENCE_MS, 0, { ref: false })]);
    if (again === first) return undefined;
    return again === 0 ? "a connection that has been served waits for a server process" : `one connection's transactions were done by the server processes ${first} and ${again}`;
  } finally {
    await Promise.all(others.map(async (other) => await other.close()));
  }
}

/** The process of one more connection, which stays in a transaction. */
async function beginAnother(endpoint: Endpoint, signal: AbortSignal, others: Session[]): Promise<number> {
  const other = await openSession(endpoint, { signal });
  others.push(other);
  await other.query("begin");
  return await processOf(other);
}

async function processOf(session: Session): Promise<number> {
  const [row] = await session.query<{ pid: number }>("select pg_catalog.pg_backend_pid() as pid");
  return row?.pid ?? 0;
}
