import { expect } from "vitest";
import { readCatalog } from "../../../src/catalog/read-catalog.ts";
import { readDependencies, readExtensionMembers } from "../../../src/catalog/read-dependencies.ts";
import { readIndexes } from "../../../src/catalog/read-indexes.ts";
import type { ObjectKind, ObjectPattern } from "../../../src/plan/object-pattern.ts";
import { type Selection, selectObjects } from "../../../src/plan/select-objects.ts";
import { dumpStructure } from "../../../src/structure/dump.ts";
import type { Entry } from "../../../src/structure/entry.ts";
import { parseDump } from "../../../src/structure/parse-dump.ts";
import { newProgress } from "../../../src/task/events.ts";
import { migrate } from "../../kit/migrate.ts";
import { openSession } from "../../../src/wire/session.ts";
import { taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";

export interface Patterns {
  /** "table=public.orders", … */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
}

/**
 * Moves a selection into an empty database of the same major. What the target's dump then holds in addition is returned as "TYPE schema.name" lines,
 * sorted; each of them must be what the source has under that name, to the letter.
 */
export async function selectAndMove(source: TestDatabase, patterns: Patterns): Promise<{ readonly target: TestDatabase; readonly moved: string[] }> {
  const target = await createDatabase(source.major, "template template0");
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { ...objectPatterns(patterns), acceptAlarms: true, verify: true, publications: true });
  await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
  const before = new Map((await dumpEntries(source)).map((entry) => [titleOf(entry), entry.sql]));
  const after = (await dumpEntries(target)).filter((entry) => !ALWAYS_THERE.has(titleOf(entry)));
  expect(Object.fromEntries(after.map((entry) => [titleOf(entry), entry.sql]))).toEqual(Object.fromEntries(after.map((entry) => [titleOf(entry), before.get(titleOf(entry))])));
  return { target, moved: after.map(titleOf).toSorted() };
}

/** Before 15 a dump speaks of schema public. */
const ALWAYS_THERE = new Set(["SCHEMA public", "ACL SCHEMA public"]);

/** Reads a database once; the function returned says what would move of it. */
export async function selector(source: TestDatabase): Promise<(patterns: Patterns) => Selection> {
  const entries = await dumpEntries(source);
  await using session = await openSession(source.endpoint("source"));
  const read = {
    catalog: await readCatalog(session),
    indexes: await readIndexes(session),
    dependencies: await readDependencies(session),
    members: await readExtensionMembers(session),
    entries,
  };
  return (patterns) => selectObjects({ ...read, ...objectPatterns(patterns) });
}

function objectPatterns({ include = [], exclude = [] }: Patterns): { include: ObjectPattern[]; exclude: ObjectPattern[] } {
  const parse = (text: string): ObjectPattern => ({ kind: text.slice(0, text.indexOf("=")) as ObjectKind, pattern: text.slice(text.indexOf("=") + 1) });
  return { include: include.map(parse), exclude: exclude.map(parse) };
}

async function dumpEntries(database: TestDatabase): Promise<Entry[]> {
  const options = { snapshot: undefined, publications: true, noOwner: false, noPrivileges: false, program: undefined };
  return parseDump(await dumpStructure(database.endpoint("source"), options, new AbortController().signal));
}

export function titleOf({ type, schema, name }: Entry): string {
  return schema === "-" ? `${type} ${name}` : `${type} ${schema}.${name}`;
}
