import { loadModule } from "libpg-query";
import { describeEntry } from "../apply-entries.ts";
import type { Entry } from "../entry.ts";
import { EntryText } from "./entry-text.ts";
import { publicSchemaEntry } from "./public-schema.ts";
import type { Impossible, Outcome, RewriteContext, Rule } from "./rule.ts";
import { RULES } from "./rules.ts";
import { type Scope, readScope } from "./scope.ts";

export { withInheritedNulls } from "./inherited-nulls.ts";
export { findRemovedFeatures } from "./removed-features.ts";
export type { Impossible, RewriteContext } from "./rule.ts";

export interface Rewritten {
  /** What the target takes. Objects of `impossible` are in it unchanged: nothing may be applied while there is any. */
  readonly entries: Entry[];
  /** What became different in more than spelling, each with its object. */
  readonly notes: string[];
  readonly impossible: Impossible[];
}

/**
 * Adapts the entries of pg_dump 18 to the target's version, upwards and downwards. Pure: no server is asked.
 * Bodies of functions are text to PostgreSQL and stay as they are, in every version.
 */
export async function rewriteEntries(entries: readonly Entry[], context: RewriteContext): Promise<Rewritten> {
  await loadModule();
  const rules = RULES.filter((rule) => rule.appliesTo(context));
  const scope = readScope(entries, context);
  const findings = new Findings();
  const kept: Entry[] = [];
  const dropped = new Map<number, Entry>();
  for (const entry of entries) {
    const owner = entry.type === "COMMENT" || entry.type === "ACL" || entry.type === "SECURITY LABEL" ? entry.dependencies.find((id) => dropped.has(id)) : undefined;
    if (owner !== undefined) {
      findings.note(entry, "left out with its object");
      dropped.set(entry.dumpId, entry);
      continue;
    }
    const text = rewriteEntry(entry, rules, scope, findings);
    if (text === undefined) dropped.set(entry.dumpId, entry);
    else kept.push(text);
  }
  const extra = publicSchemaEntry(entries, context);
  if (extra !== undefined) {
    const firstAcl = kept.findIndex((entry) => entry.type === "ACL");
    kept.splice(firstAcl < 0 ? kept.length : firstAcl, 0, extra);
  }
  return { entries: kept, notes: findings.notes, impossible: findings.impossible };
}

function rewriteEntry(entry: Entry, rules: readonly Rule[], scope: Scope, findings: Findings): Entry | undefined {
  let text: EntryText | undefined;
  for (const rule of rules) {
    const current: Entry = text?.entry ?? entry;
    if (rule.types !== undefined && !rule.types.has(current.type)) continue;
    if (!rule.concerns(current, scope)) continue;
    text ??= new EntryText(entry);
    const outcome = rule.rewrite(text, scope);
    if (outcome === undefined) continue;
    findings.take(current, outcome);
    if (outcome.drop === true) return undefined;
    const { sql = current.sql, settings = current.settings } = outcome;
    if (sql !== current.sql || settings !== current.settings) text = new EntryText({ ...current, sql, settings });
  }
  return text?.entry ?? entry;
}

class Findings {
  readonly notes: string[] = [];
  readonly impossible: Impossible[] = [];
  readonly #byFeature = new Map<string, Impossible>();

  note(entry: Entry, words: string): void {
    this.notes.push(`${describeEntry(entry)}: ${words}`);
  }

  take(entry: Entry, outcome: Outcome): void {
    if (outcome.note !== undefined) this.note(entry, outcome.note);
    if (outcome.impossible === undefined) return;
    const { feature } = outcome.impossible;
    let group = this.#byFeature.get(feature);
    if (group === undefined) {
      group = { ...outcome.impossible, objects: [] };
      this.#byFeature.set(feature, group);
      this.impossible.push(group);
    }
    const object = describeEntry(entry);
    if (group.objects.at(-1) !== object) group.objects.push(object);
  }
}
