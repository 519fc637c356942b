import { loadModule } from "libpg-query";
import type { Entry } from "../entry.ts";
import { EntryText } from "./entry-text.ts";
import type { Outcome, Rule } from "./rule.ts";
import { readScope } from "./scope.ts";

await loadModule();

/** An entry for tests, as pg_dump would write it. */
export function entryOf(type: string, sql: string, more: Partial<Entry> = {}): Entry {
  return { dumpId: 1, catalogOid: "0", oid: "0", name: "x", type, schema: "s", owner: "-", dependencies: [], section: "pre", settings: "", sql, ...more };
}

/** What one rule does to an entry on the way from one major to another, for tests. `others` are the rest of the dump. */
export function outcomeOf(rule: Rule, entry: Entry, source: number, target: number, others: readonly Entry[] = []): Outcome | undefined {
  const context = { sourceVersionNum: source * 10_000, targetVersionNum: target * 10_000 };
  const scope = readScope([entry, ...others], context);
  if (!rule.appliesTo(context) || rule.types?.has(entry.type) === false || !rule.concerns(entry, scope)) return undefined;
  return rule.rewrite(new EntryText(entry), scope);
}
