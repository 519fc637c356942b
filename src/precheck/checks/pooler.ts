import { describeEndpoint } from "../../wire/endpoint.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { type Check, type CheckItem, found, passed } from "../check.ts";
import type { CheckContext } from "../context.ts";

export const pooler: Check = {
  id: "pooler",
  title: "No pooler hands sessions to others",
  about:
    "Failed: between two transactions of one connection another connection gets its server process, as with PgBouncer in transaction mode: settings, snapshots, locks and prepared statements are then somebody else's. Passes with a remark: a pooler that keeps sessions apart.",
  run: async (context) => await Promise.all([judge(context, context.source), judge(context, context.target)]),
};

/** A pooler makes process numbers of its own up, to be able to cancel: they are not what the server says. */
async function judge(context: CheckContext, { endpoint }: Session): Promise<CheckItem> {
  const scope = describeEndpoint(endpoint);
  await using session = await openSession(endpoint, { signal: context.signal });
  const first = await processOf(session);
  if (first === session.backendPid) return passed(pooler, scope);
  // While others are in transactions, whoever shares gets another process than before.
  const others = await Promise.all(Array.from({ length: OTHERS }, async () => await openSession(endpoint, { signal: context.signal })));
  try {
    for (const other of others) await other.query("begin; select 1");
    const again = await processOf(session);
    if (again === first) return passed(pooler, scope, [`there is a pooler in between, which keeps sessions apart (server process ${first}, told as ${session.backendPid})`]);
    return found(pooler, scope, "failed", {
      evidence: [`one connection's transactions were done by the server processes ${first} and ${again}`],
      why: "Settings that make text the same, the snapshot that all lanes share, advisory locks and prepared statements belong to a session, which such a pooler hands to others after each transaction.",
      fix: "Connect to the server itself, or to the pooler's database in session mode (pool_mode = session).",
    });
  } finally {
    await Promise.all(others.map(async (other) => await other.close()));
  }
}

const OTHERS = 2;

async function processOf(session: Session): Promise<number> {
  const [row] = await session.query<{ pid: number }>("select pg_catalog.pg_backend_pid() as pid");
  return row?.pid ?? 0;
}
