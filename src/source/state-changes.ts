import { displayName } from "../catalog/catalog.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import type { ColumnState, TableState } from "./table-states.ts";

/** A table as it was when it was last looked at and found right. */
export interface KnownTable extends TableState {
  /** Its changes, or those of all its partitions, have to come by the stream. */
  readonly isFollowed: boolean;
  /** What it was before changes that left the meaning of its names. */
  readonly formers?: readonly FormerState[];
}

/** How rows of a table may still come that were committed up to a position, as "16/B374D848". */
export interface FormerState extends Pick<TableState, "schema" | "name" | "columns"> {
  readonly until: string;
}

/** A description of a relation that came in the stream, and was told. */
export interface PassingRelation {
  readonly oid: string;
  readonly description: string;
  readonly until: string;
}

/** The tables that are followed, with what they are partitions of; and the oids of all other tables. Plain data. */
export interface KnownTables {
  readonly tables: readonly KnownTable[];
  readonly others: readonly string[];
  /** Partitions that came when the copy was planned already, and had rows when the slot was made: nobody brings these. */
  readonly unplanned?: readonly string[];
  readonly passing?: readonly PassingRelation[];
}

/** What the target has where the same was done there, as far as names and types show it. */
export interface Expected {
  /** It has this table, with these columns as the source has them now, and without those. */
  readonly table?: { readonly schema: string; readonly name: string; readonly columns: readonly string[]; readonly without: readonly string[] };
  /** It has no tables of these names. */
  readonly gone?: readonly { readonly schema: string; readonly name: string }[];
}

/** What happened to a table of the source that the stream of changes does not tell. */
export interface StateChange {
  readonly schema: string;
  readonly name: string;
  /** "was renamed to public.b, lost its column v" */
  readonly what: string;
  /** All that is known anew when this was seen to: the states of these, or that they are gone. Those that are followed from now on. */
  readonly oids: readonly string[];
  readonly follows: readonly string[];
  /** Undefined: nothing on the target shows that it was seen to. */
  readonly expected: Expected | undefined;
  /** Its rows lie in a new file, and were given values: which the target's need not have. */
  readonly isRewritten: boolean;
  /** Columns that came: what the rows have there that were there before may be others on the target. */
  readonly added?: readonly string[];
}

export interface StateChanges {
  readonly changes: readonly StateChange[];
  /** Tables that came since, and are not followed. */
  readonly newTables: readonly TableState[];
  /** Partitions that came since, and whose rows the stream brings. */
  readonly newPartitions: readonly string[];
  /** As they are now: tables of which something is other that is no matter by itself, and would be together with something later. */
  readonly quiet: readonly KnownTable[];
}

/** Which tables have to be known: those that are followed (by oid), what they are partitions of, and all partitions of these. */
export function knownTables(states: ReadonlyMap<string, TableState>, followedOids: readonly string[]): KnownTables {
  const named = new Set(followedOids);
  const partitions = Map.groupBy(states.values(), ({ parent }) => parent);
  const known = new Set(followedOids.filter((oid) => states.has(oid)));
  // A Set's loop visits what is added meanwhile.
  for (const oid of known) {
    const { parent } = states.get(oid)!;
    if (parent !== null && states.has(parent)) known.add(parent);
    for (const partition of partitions.get(oid) ?? []) known.add(partition.oid);
  }
  const isFollowed = ({ oid, kind }: TableState): boolean =>
    named.has(oid) || (kind === "p" && (partitions.get(oid) ?? []).every((partition) => partition.persistence === "u" || isFollowed(partition)));
  return {
    tables: [...known].map((oid) => ({ ...states.get(oid)!, isFollowed: isFollowed(states.get(oid)!) })),
    others: [...states.keys()].filter((oid) => !known.has(oid)),
  };
}

/** What is other than it was. `publication`: null where there is none, and every table's changes come. */
export function compareStates({ tables, others, unplanned = [] }: KnownTables, now: ReadonlyMap<string, TableState>, publication: string | null): StateChanges {
  const known = new Map(tables.map((table) => [table.oid, table]));
  const otherOids = new Set(others);
  const byName = new Map([...now.values()].map((state) => [displayName(state), state]));
  const names = new Set(tables.map(displayName));
  const isNew = ({ oid }: TableState): boolean => !known.has(oid) && !otherOids.has(oid);
  const isPublished = (state: TableState): boolean =>
    publication === null || state.published !== null || (state.parent !== null && now.has(state.parent) && isPublished(now.get(state.parent)!));

  const quiet: KnownTable[] = [];
  const changes = tables.flatMap((before): StateChange[] => {
    const after = now.get(before.oid);
    // Who has its name now.
    const heir = byName.get(displayName(before));
    const successor = heir !== undefined && heir.oid !== before.oid && !known.has(heir.oid) ? heir : undefined;
    const parts = after === undefined ? [] : [...partitionChange(before, after, now), ...columnChanges(before, after)];
    if (after === undefined) parts.unshift(successor === undefined ? { what: "was dropped", expected: { gone: [before] } } : { what: "was dropped and made anew" });
    else if (displayName(before) !== displayName(after)) {
      const what = `was renamed to ${displayName(after)}${heir === undefined ? "" : ", and another table has its name"}`;
      // Without a publication changes are told by their tables' names: what came under the new one was taken for somebody else's.
      parts.unshift(
        publication === null || names.has(displayName(after)) || heir !== undefined
          ? { what }
          : { what, expected: { gone: [before], table: { ...after, columns: [], without: [] } } },
      );
    }
    const isCut = after !== undefined && typeof before.published === "string" && before.published !== after.published;
    const seen = parts.length > 0 || isCut;
    if (before.isFollowed && before.kind === "r")
      parts.push(...[after, successor].flatMap((state) => (state === undefined ? [] : silences(state, isPublished(state), publication))));
    if (isCut && (before.kind === "p" || isPublished(after)))
      parts.push({ what: `was out of the publication ${publication}, or that was altered: changes until now may be missing`, ...ifThere(after) });
    if (parts.length === 0) {
      if (after !== undefined && isOther(before, after)) quiet.push({ ...before, file: after.file, published: after.published, columns: after.columns });
      return [];
    }
    return [
      {
        ...(after ?? before),
        name: before.name,
        schema: before.schema,
        what: parts.map(({ what }) => what).join(", "),
        oids: seen ? [before.oid, ...(successor === undefined ? [] : [successor.oid])] : [],
        follows: before.isFollowed ? [before.oid, ...(successor === undefined ? [] : [successor.oid])] : [],
        expected: joined(parts),
        isRewritten: after !== undefined && writtenAnew(before, after).length > 0,
        added: after === undefined ? [] : after.columns.flatMap(([number, name]) => (before.columns.some((column) => column[0] === number) ? [] : [name])),
      },
    ];
  });

  const newPartitions: string[] = [];
  for (const state of now.values()) {
    const parent = state.parent === null ? undefined : known.get(state.parent);
    if (parent === undefined || known.has(state.oid) || names.has(displayName(state))) continue;
    const what = unplanned.includes(state.oid)
      ? `is a new partition of ${displayName(parent)} that came when the copy was planned already: the rows that it got before the replication slot was made are missing`
      : state.wasAttached
        ? `is a new partition of ${displayName(parent)} by ATTACH: rows that it had, or got before the task goes on again, may be missing`
        : state.persistence === "u"
          ? `is a new partition of ${displayName(parent)}, and unlogged: its changes do not come`
          : isPublished(now.get(state.parent!)!)
            ? undefined
            : `is a new partition of ${displayName(parent)}, which is not in the publication ${publication}: rows may be missing, or do not come`;
    if (what === undefined) newPartitions.push(state.oid);
    else changes.push({ schema: state.schema, name: state.name, what, oids: [state.oid], follows: parent.isFollowed ? [state.oid] : [], expected: undefined, isRewritten: false });
  }
  const newTables = [...now.values()].filter((state) => isNew(state) && (state.parent === null || !known.has(state.parent)) && !names.has(displayName(state)));
  return { changes, newTables, newPartitions, quiet };
}

interface Part {
  readonly what: string;
  readonly expected?: Expected;
}

/** What is so wrong that it is told for as long as it lasts: changes do not come. Nothing is, where the target has no such table any more. */
function silences(state: TableState, isPublished: boolean, publication: string | null): Part[] {
  if (state.persistence !== "p") return [{ what: "is unlogged: its changes do not come", ...ifThere(state) }];
  return isPublished ? [] : [{ what: `is not in the publication ${publication} with all its changes under its own name: changes may be missing`, ...ifThere(state) }];
}

function ifThere(state: TableState): { readonly expected?: Expected } {
  return state.parent === null ? { expected: { gone: [state] } } : {};
}

function isOther(before: TableState, after: TableState): boolean {
  return before.file !== after.file || before.published !== after.published || after.columns.some((column, at) => column[5] !== before.columns[at]?.[5]);
}

function partitionChange(before: TableState, after: TableState, now: ReadonlyMap<string, TableState>): Part[] {
  if (before.parent === after.parent && before.attachedBy === after.attachedBy) return [];
  const nameOf = (oid: string | null): string => (oid === null || !now.has(oid) ? "its partitioned table" : displayName(now.get(oid)!));
  const gone = { expected: { gone: [after] } };
  if (after.parent === null) return [{ what: `was detached from ${nameOf(before.parent)}`, ...gone }];
  return [{ what: before.parent === null ? `was attached to ${nameOf(after.parent)}` : `was detached, and attached to ${nameOf(after.parent)}`, ...gone }];
}

function columnChanges(before: TableState, after: TableState): Part[] {
  const were = new Map(before.columns.map((column) => [column[0], column]));
  const numbers = new Map(before.columns.map(([number, name]) => [name, number]));
  const are = new Map(after.columns.map((column) => [column[0], column]));
  const has = new Set(after.columns.map(([, name]) => name));
  const there = (name: string): Expected => ({ table: { schema: after.schema, name: after.name, columns: [name], without: [] } });
  const without = (name: string): Expected => ({ table: { schema: after.schema, name: after.name, columns: [], without: [name] } });
  const parts: Part[] = [];
  const written = new Set(writtenAnew(before, after).map(([number]) => number));
  for (const [number, name, type, modifier, generated, , definition] of after.columns) {
    const was = were.get(number);
    const quoted = quoteIdentifier(name);
    const isOther = numbers.has(name) && numbers.get(name) !== number;
    if (isOther) parts.push({ what: `has another column of the name ${quoted}` });
    else if (was === undefined) parts.push({ what: `has a new column ${quoted}`, expected: there(name) });
    else if (was[1] !== name)
      parts.push({ what: `has its column ${quoteIdentifier(was[1])} renamed to ${quoted}`, expected: has.has(was[1]) ? there(name) : join(there(name), without(was[1])) });
    if (was !== undefined && (was[2] !== type || was[3] !== modifier || was[4] !== generated))
      parts.push({ what: `has its column ${quoted} of another type`, expected: there(name) });
    else if (was !== undefined && written.has(number)) parts.push({ what: `may have had its column ${quoted} written anew (ALTER COLUMN … TYPE … USING)` });
    else if (was !== undefined) parts.push(...definitionChange(quoted, was[6], definition, there(name)));
  }
  for (const [number, name] of before.columns) if (!are.has(number) && !has.has(name)) parts.push({ what: `lost its column ${quoteIdentifier(name)}`, expected: without(name) });
  return parts;
}

/** What only came is no matter where it came on both sides; where something was renamed, the rows that came in between may have the name of the one for the other. */
function definitionChange(column: string, were: readonly string[] | undefined, are: readonly string[] | undefined, there: Expected): Part[] {
  if (were === undefined || were.join(" ") === are?.join(" ")) return [];
  return were.every((row) => are?.includes(row))
    ? [{ what: `has its column ${column} of a type that has got more labels or attributes`, expected: there }]
    : [{ what: `has its column ${column} of a type whose labels or attributes were altered` }];
}

/**
 * Columns that were altered, or came, while the table got a new file: their rows may have other values. Which statement did the one and which the other leaves no trace that lasts: whatever comes
 * later writes the table's row of pg_class anew. TRUNCATE, VACUUM FULL and CLUSTER alter no column; what sets a column's statistics or default gives no new file; only both between two
 * looks are taken for a rewrite that they are not. https://www.postgresql.org/docs/current/sql-altertable.html
 */
function writtenAnew(before: TableState, after: TableState): readonly ColumnState[] {
  if (before.file === after.file || after.kind !== "r") return [];
  const were = new Map(before.columns.map((column) => [column[0], column]));
  return after.columns.filter(([number, , , , , version]) => were.get(number)?.[5] !== version);
}

function joined(parts: readonly Part[]): Expected | undefined {
  if (parts.some(({ expected }) => expected === undefined)) return undefined;
  const all = parts.map(({ expected }) => expected!);
  return all.reduce(join);
}

function join(one: Expected, other: Expected): Expected {
  const tables = [one.table, other.table].filter((table) => table !== undefined);
  const gone = [...(one.gone ?? []), ...(other.gone ?? [])];
  return {
    ...(tables.length === 0 ? {} : { table: { ...tables[0]!, columns: tables.flatMap(({ columns }) => columns), without: tables.flatMap((table) => table.without) } }),
    ...(gone.length === 0 ? {} : { gone }),
  };
}
