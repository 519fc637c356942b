import { dumpStructure } from "../../../src/structure/dump.ts";
import type { Entry } from "../../../src/structure/entry.ts";
import { parseDump } from "../../../src/structure/parse-dump.ts";
import { rewriteEntries } from "../../../src/structure/rewrite/index.ts";
import type { Endpoint } from "../../../src/wire/endpoint.ts";
import { comparableStructure } from "./normalise.ts";

export interface StructureDifference {
  readonly onlySource: readonly string[];
  readonly onlyTarget: readonly string[];
}

/**
 * Compares pg_dump's output of two databases: as it is when the majors are equal, else after the version rewrite (both sides as the
 * target's version takes them) and the documented normalisations.
 */
export async function compareStructure(
  source: { readonly endpoint: Endpoint; readonly major: number },
  target: { readonly endpoint: Endpoint; readonly major: number },
): Promise<StructureDifference> {
  const majors = { source: source.major, target: target.major };
  const [left, right] = await Promise.all(
    [source, target].map(async ({ endpoint, major }) => {
      const entries = await dumpEntries(endpoint);
      if (majors.source === majors.target) return comparableStructure(entries, majors);
      const rewritten = await rewriteEntries(entries, { sourceVersionNum: versionNumOf(major), targetVersionNum: versionNumOf(majors.target) });
      return comparableStructure(rewritten.entries, majors);
    }),
  );
  return { onlySource: without(left ?? [], right ?? []), onlyTarget: without(right ?? [], left ?? []) };
}

/** 14 → 140000, 9.6 → 90600. */
function versionNumOf(major: number): number {
  return major >= 10 ? major * 10_000 : 90_000 + Math.round((major - 9) * 1000);
}

async function dumpEntries(endpoint: Endpoint): Promise<Entry[]> {
  const text = await dumpStructure(endpoint, { snapshot: undefined, publications: true, noOwner: false, noPrivileges: false, program: undefined }, new AbortController().signal);
  return parseDump(text);
}

/** Texts of `some` that are not in `others`; equal texts count one by one. */
function without(some: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const text of others) left.set(text, (left.get(text) ?? 0) + 1);
  return some.filter((text) => {
    const count = left.get(text) ?? 0;
    left.set(text, count - 1);
    return count <= 0;
  });
}
