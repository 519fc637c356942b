import type { DatabasePlan } from "../plan/database-plan.ts";
import type { Session } from "../wire/session.ts";
import type { ValueLine } from "./unrepresentable.ts";

/** Objects of people, which do not come with the server; see oid-names.ts for those that do. */
const OWN = "o.oid >= 16384";

/** What the rows of a table may name, and what of it is not there when they are copied. */
interface OwnNames {
  readonly type: string;
  readonly what: string;
  /** As `oid` and `name`, at the source. */
  readonly absent: (source: Session, target: Session, plan: Pick<DatabasePlan, "catalog" | "selection">) => Promise<string[]>;
}

const OWN_NAMES: readonly OwnNames[] = [
  {
    type: "regclass",
    what: "regclass of indexes, which are built when the rows are there, or of relations that do not move",
    absent: async (source, target, { catalog, selection }) => {
      // A row type is no relation that anybody selects.
      const relations = `select o.oid::pg_catalog.text as oid, o.oid::pg_catalog.regclass::pg_catalog.text as name from pg_catalog.pg_class o where ${OWN} and o.relkind <> 'c'`;
      const moving = new Set(catalog.relations.filter((relation) => relation.extension !== undefined || selection.isSelected(relation)).map(({ oid }) => oid));
      const there = new Set((await target.query<{ name: string }>(relations)).map(({ name }) => name));
      return (await source.query<{ oid: string; name: string }>(relations)).filter(({ oid, name }) => !moving.has(oid) && !there.has(name)).map(({ oid }) => oid);
    },
  },
  // Its text is the name without the types of its arguments.
  { type: "regproc", what: "regproc of functions that share their name", absent: async (source) => await sharing(source, "pg_proc", "pro") },
  { type: "regoper", what: "regoper of operators that share their name", absent: async (source) => await sharing(source, "pg_operator", "opr") },
];

async function sharing(source: Session, catalog: string, prefix: string): Promise<string[]> {
  const rows = await source.query<{ oid: string }>(
    `select s.oid::pg_catalog.text as oid from (select o.oid, pg_catalog.count(*) over (partition by o.${prefix}namespace, o.${prefix}name) as sharing from pg_catalog.${catalog} o where ${OWN}) s where s.sharing > 1`,
  );
  return rows.map(({ oid }) => oid);
}

/** Lines between values that the target can read and those that it cannot, because what they name is not there yet, or never will be; of those types only that are `used`. */
export async function ownNameLines(
  source: Session,
  target: Session,
  plan: Pick<DatabasePlan, "catalog" | "selection">,
  isUsed: (line: ValueLine) => boolean,
): Promise<ValueLine[]> {
  const lines: ValueLine[] = [];
  for (const { type, what, absent } of OWN_NAMES) {
    const line = (oids: readonly string[]): ValueLine => ({
      type,
      what,
      crossedBy: () => oids.length > 0,
      condition: (expression) => `(${expression})::pg_catalog.oid = any ('{${oids.join(",")}}'::pg_catalog.oid[])`,
    });
    if (!isUsed(line([]))) continue;
    const oids = await absent(source, target, plan);
    if (oids.length > 0) lines.push(line(oids));
  }
  return lines;
}
