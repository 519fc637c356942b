import { GodwitError } from "../errors/godwit-error.ts";
import { splitStatements } from "../structure/sql-text.ts";
import { type Endpoint, type Side, describeEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import type { CheckItem } from "./check.ts";

/** An item whose SQL can be run as it is. */
export type FixableItem = CheckItem & Required<Pick<CheckItem, "fixSql" | "fixOn">>;

/** The items of these ids that are not passed, each with SQL to run; what two of them ask for (a role that two databases lack), the first has. Throws `usage` for one that SQL does not mend: with the fix in words. */
export function fixableItems(items: readonly CheckItem[], ids: readonly string[]): FixableItem[] {
  const asked = new Set<string>();
  return ids.flatMap((id) => {
    const open = items.filter((item) => item.id === id && item.result !== "passed");
    const [odd] = open.filter((item) => !isFixable(item));
    if (odd !== undefined) throw new GodwitError("usage", `no SQL that could be run as it is mends ${id} (${odd.scope})`, { object: "--fix", advice: odd.fix });
    return open.filter(isFixable).flatMap((item) => withoutRepetition(item, asked));
  });
}

/** Not every statement can be run twice: CREATE ROLE cannot. */
function withoutRepetition(item: FixableItem, asked: Set<string>): FixableItem[] {
  const key = (statement: string): string => JSON.stringify([item.fixOn.side, item.fixOn.database, statement]);
  const own = splitStatements(item.fixSql).filter((statement) => !asked.has(key(statement)));
  for (const statement of own) asked.add(key(statement));
  return own.length === 0 ? [] : [{ ...item, fixSql: own.map((statement) => `${statement};`).join("\n") }];
}

export function isFixable(item: CheckItem): item is FixableItem {
  return item.fixSql !== undefined && item.fixOn !== undefined;
}

/** Where an item's SQL is run, by which account. */
export function fixEndpoint(item: FixableItem, accounts: Readonly<Record<Side, Endpoint>>): Endpoint {
  return { ...accounts[item.fixOn.side], database: item.fixOn.database };
}

/** Runs an item's SQL, statement by statement: some refuse to be part of a transaction. Throws what the server says, with which statement it refused; those before have been run. */
export async function runFix(item: FixableItem, endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  await using session = await openSession(endpoint, { signal });
  for (const statement of splitStatements(item.fixSql)) {
    try {
      await session.query(statement);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof GodwitError)) throw error;
      const advice = error.code === "privilege-missing" ? `Name an account that may: --${item.fixOn.side}-admin URI. Or have it run by somebody who may.` : error.advice;
      throw new GodwitError(error.code, `${item.id}: ${error.message}; refused was: ${statement}`, { object: describeEndpoint(endpoint), advice, cause: error });
    }
  }
}
