import type { NewTaskGiven } from "../../../../src/server/contract/new-task.ts";
import type { ObjectNode } from "../../../../src/server/contract/servers.ts";

export type ObjectKind = ObjectNode["kind"];
export type { ObjectNode };

export interface Pattern {
  readonly kind: ObjectKind;
  readonly pattern: string;
}

/** What moves: nothing included is everything. */
export interface Selection {
  readonly include: readonly Pattern[];
  readonly exclude: readonly Pattern[];
}

export type Side = keyof Selection;
export const NO_SELECTION: Selection = { include: [], exclude: [] };

/** How an object of the tree stands: named itself, by its schema, or not at all. */
export type Choice = "included" | "throughSchema" | "excluded" | "none";

export function choiceOf({ kind, pattern, schema }: ObjectNode, { include, exclude }: Selection): Choice {
  const names = (patterns: readonly Pattern[]): boolean => patterns.some((one) => one.kind === kind && one.pattern === pattern);
  const namesSchema = (patterns: readonly Pattern[]): boolean => schema !== null && patterns.some((one) => one.kind === "schema" && isSchema(one.pattern, schema));
  if (names(exclude) || namesSchema(exclude)) return "excluded";
  if (names(include)) return "included";
  return namesSchema(include) ? "throughSchema" : "none";
}

/** A click on the box of an object: takes it in or out, whatever it was before. */
export function toggle(selection: Selection, node: ObjectNode): Selection {
  const { kind, pattern } = node;
  const leads: Readonly<Record<Choice, () => Selection>> = {
    included: () => without(selection, "include", { kind, pattern }),
    throughSchema: () => withPattern(selection, "exclude", { kind, pattern }),
    excluded: () => without(selection, "exclude", { kind, pattern }),
    none: () => withPattern(selection, "include", { kind, pattern }),
  };
  return leads[choiceOf(node, selection)]();
}

export function withPattern(selection: Selection, side: Side, { kind, pattern }: Pattern): Selection {
  const added = { kind, pattern };
  const other: Side = side === "include" ? "exclude" : "include";
  const cleared = without(without(selection, side, added), other, added);
  return { ...cleared, [side]: [...cleared[side], added] };
}

export function without(selection: Selection, side: Side, removed: Pattern): Selection {
  return { ...selection, [side]: selection[side].filter(({ kind, pattern }) => kind !== removed.kind || pattern !== removed.pattern) };
}

export function patternsOf(given: NewTaskGiven["include"]): Pattern[] {
  return Object.entries(given ?? {}).flatMap(([kind, patterns]) => [patterns ?? []].flat().map((pattern) => ({ kind: kind as ObjectKind, pattern })));
}

export function givenPatterns(patterns: readonly Pattern[]): Record<ObjectKind, string[]> {
  const given: Partial<Record<ObjectKind, string[]>> = {};
  for (const { kind, pattern } of patterns) (given[kind] ??= []).push(pattern);
  return given as Record<ObjectKind, string[]>;
}

/** A pattern names a schema as it is, or in double quotes where it has characters of its own. */
function isSchema(pattern: string, schema: string): boolean {
  return pattern === schema || pattern === `"${schema.replaceAll('"', '""')}"`;
}
