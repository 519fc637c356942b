import { displayName, type NamedRelation, type Relation } from "../catalog/catalog.ts";
import { IS_USER_SCHEMA, readCatalog } from "../catalog/read-catalog.ts";
import type { CopyTable } from "../copy/chunk.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { copyTables } from "../plan/plan-chunks.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { Session } from "../wire/session.ts";

/** What is left to be aligned of what was planned when the following began, as it is named and made now; and what is told of the rest. */
export interface StillThere<T> {
  readonly now: readonly T[];
  readonly notes: readonly string[];
}

type Named = Pick<Relation, "oid" | "schema" | "name">;

/** What was planned: `name` is quoted; `isRouted`: on the target it lies in another table. */
interface Planned {
  readonly oid: string;
  readonly name: string;
  readonly display: string;
  readonly isRouted: boolean;
}

/**
 * The planned sequences as they are now: each is known by its oid, as it may have been renamed, or else by its name, as it may have been made anew. What was dropped on both sides since is told
 * and passed over. Throws `schema-changed` for what is on one side only: before anybody is kept from writing.
 */
export async function sequencesStillThere(source: Session, target: Session, sequences: readonly Relation[]): Promise<StillThere<Relation>> {
  if (sequences.length === 0) return { now: [], notes: [] };
  const found = await source.query<{ oid: string; schema: string; name: string }>(
    `select c.oid::pg_catalog.text as oid, n.nspname as schema, c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and (c.oid = any($1::pg_catalog.oid[]) or (n.nspname, c.relname) in (select * from rows from (pg_catalog.unnest($2::pg_catalog.name[]), pg_catalog.unnest($3::pg_catalog.name[])) as w (schema, name)))`,
    [sequences.map(({ oid }) => oid), sequences.map(({ schema }) => schema), sequences.map(({ name }) => name)],
  );
  const planned = sequences.map((sequence) => ({ oid: sequence.oid, name: quoted(sequence), display: displayName(sequence), isRouted: false }));
  const { present, notes } = await findPresent("sequence", planned, found, target);
  return { now: sequences.flatMap((sequence, at) => (present[at] === undefined ? [] : [{ ...sequence, ...present[at] }])), notes };
}

/**
 * Sequences that came since, beside what `sequencesStillThere` found, be they of a column (serial, identity) or not, where the target has them under the same name; what cannot be set is told. Those of extensions are theirs:
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
export async function sequencesSince(source: Session, target: Session, stillThere: readonly Relation[]): Promise<StillThere<NamedRelation>> {
  const since = await source.query<{ schema: string; name: string; isReadable: boolean }>(
    `select n.nspname as schema, c.relname as name, pg_catalog.has_schema_privilege(n.oid, 'USAGE') and pg_catalog.has_sequence_privilege(c.oid, 'SELECT') as "isReadable"
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'S' and c.relpersistence <> 't' and ${IS_USER_SCHEMA} and c.oid <> all($1::pg_catalog.oid[])
        and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e') order by 1, 2`,
    [stillThere.map(({ oid }) => oid)],
  );
  const rows = await target.query<{ name: string; isOurs: boolean }>(
    `select w.name, pg_catalog.has_sequence_privilege(c.oid, 'SELECT') and pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') as "isOurs"
       from pg_catalog.unnest($1::pg_catalog.text[]) as w (name) join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name) where c.relkind = 'S'`,
    [since.map(quoted)],
  );
  const isOurs = new Map(rows.map((row) => [row.name, row.isOurs]));
  const obstacleOf = (sequence: (typeof since)[number]): string | undefined => {
    if (!isOurs.has(quoted(sequence))) return "is not on the target";
    return sequence.isReadable && isOurs.get(quoted(sequence)) === true ? undefined : "is not set on the target, as the account may not read it here or set it there";
  };
  return {
    now: since.filter((sequence) => obstacleOf(sequence) === undefined).map(({ schema, name }) => ({ schema, name })),
    notes: since.flatMap((sequence) => {
      const obstacle = obstacleOf(sequence);
      return obstacle === undefined ? [] : [`sequence ${displayName(sequence)} came at the source meanwhile, and ${obstacle}`];
    }),
  };
}

/** As sequencesStillThere, of unlogged tables, with the columns that they have now. */
export async function unloggedStillThere(source: Session, target: Session, tables: readonly CopyTable[]): Promise<StillThere<CopyTable>> {
  if (tables.length === 0) return { now: [], notes: [] };
  const catalog = await readCatalog(source);
  const planned = tables.map(({ oid, from, into, display }) => ({ oid, name: from, display, isRouted: from !== into }));
  const found = catalog.relations.filter(({ kind }) => kind === "table");
  const { present, notes } = await findPresent("unlogged table", planned, found, target);
  const oids = new Set(present.map((relation) => relation?.oid));
  return { now: copyTables(catalog, ({ oid }) => oids.has(oid)), notes };
}

/** For each what it is at the source now; undefined where it is to be passed over. No relation twice. */
async function findPresent(
  what: "sequence" | "unlogged table",
  planned: readonly Planned[],
  found: readonly Named[],
  target: Session,
): Promise<{ present: (Named | undefined)[]; notes: string[] }> {
  const byOid = new Map(found.map((relation) => [relation.oid, relation]));
  const byName = new Map(found.map((relation) => [quoted(relation), relation]));
  const known = new Set(planned.flatMap(({ oid }) => (byOid.has(oid) ? [oid] : [])));
  const atSource = planned.map(({ oid, name }) => {
    const namesake = byName.get(name);
    return byOid.get(oid) ?? (namesake !== undefined && !known.has(namesake.oid) ? namesake : undefined);
  });
  const names = planned.map(({ name }, at) => (atSource[at] === undefined ? name : quoted(atSource[at])));
  const atTarget = await onTarget(target, what, names);
  const notes: string[] = [];
  const present = planned.map(({ display, isRouted }, at) => {
    const relation = atSource[at];
    const isOnTarget = isRouted ? relation !== undefined : atTarget.has(names[at]!);
    if ((relation !== undefined) !== isOnTarget) throw onOneSide(what, relation === undefined ? display : displayName(relation), isOnTarget);
    if (relation === undefined) notes.push(`${what} ${display} was dropped on both sides meanwhile`);
    return relation;
  });
  return { present, notes };
}

async function onTarget(target: Session, what: "sequence" | "unlogged table", names: readonly string[]): Promise<Set<string>> {
  const rows = await target.query<{ name: string }>(
    "select w.name from pg_catalog.unnest($1::pg_catalog.text[]) as w (name) join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name) where c.relkind = $2",
    [names, what === "sequence" ? "S" : "r"],
  );
  return new Set(rows.map(({ name }) => name));
}

function onOneSide(what: string, object: string, isOnTarget: boolean): GodwitError {
  const where = isOnTarget ? "is on the target, and not at the source any more" : "is at the source, and not on the target";
  return new GodwitError("schema-changed", `${what} ${object} ${where}: it was dropped, renamed or moved on one side only`, {
    object,
    advice: "Make the same change on the other side, then retry the task, and complete it. Nobody was kept from writing.",
  });
}

function quoted({ schema, name }: NamedRelation): string {
  return quoteQualified(schema, name);
}
