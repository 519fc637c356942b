import type { Session } from "../wire/session.ts";
import type { ValueLine } from "./unrepresentable.ts";

/** Objects that come with the server have smaller oids; those of people are made on the target before the copy. */
const BUILTIN = "o.oid < 16384";

interface OidType {
  readonly type: string;
  /** The objects that values may name without any doing of this migration, as `oid` and `name`. */
  readonly objects: string;
  /** Its values are read by name alone: where two objects share the name, nothing can be read. */
  readonly byNameAlone?: true;
}

const printed = (type: string, catalog: string): OidType => ({
  type,
  objects: `select o.oid::pg_catalog.text as oid, o.oid::pg_catalog.${type}::pg_catalog.text as name from pg_catalog.${catalog} o where ${BUILTIN}`,
});

const named = (type: string, catalog: string, prefix: string): OidType => ({
  type,
  objects: `select o.oid::pg_catalog.text as oid, n.nspname || '.' || o.${prefix}name as name
              from pg_catalog.${catalog} o join pg_catalog.pg_namespace n on n.oid = o.${prefix}namespace where ${BUILTIN}`,
});

/** https://www.postgresql.org/docs/current/datatype-oid.html: an oid that travels as the name of its object. */
const OID_TYPES: readonly OidType[] = [
  { ...named("regproc", "pg_proc", "pro"), byNameAlone: true },
  { ...named("regoper", "pg_operator", "opr"), byNameAlone: true },
  printed("regprocedure", "pg_proc"),
  printed("regoperator", "pg_operator"),
  printed("regtype", "pg_type"),
  printed("regclass", "pg_class"),
  named("regconfig", "pg_ts_config", "cfg"),
  named("regdictionary", "pg_ts_dict", "dict"),
  named("regcollation", "pg_collation", "coll"),
  { type: "regrole", objects: "select o.oid::pg_catalog.text as oid, o.rolname::pg_catalog.text as name from pg_catalog.pg_roles o" },
];

/**
 * Lines between values that the target can read and those that it cannot: names of objects that come with the source's server and not with the
 * target's, and of roles that neither exist there nor move. Both catalogs are read, of those types only that are `used`.
 */
export async function oidNameLines(source: Session, target: Session, movingRoles: ReadonlySet<string>, isUsed: (line: ValueLine) => boolean): Promise<ValueLine[]> {
  const lines: ValueLine[] = [];
  for (const { type, objects, byNameAlone } of OID_TYPES) {
    const line = (missing: readonly string[]): ValueLine => ({
      type,
      what:
        type === "regrole" ? "regrole of roles that neither exist on the target nor move" : `${type} of what the target does not have${byNameAlone ? ", or has several of" : ""}`,
      crossedBy: () => missing.length > 0,
      condition: (expression) => `(${expression})::pg_catalog.oid = any ('{${missing.join(",")}}'::pg_catalog.oid[])`,
    });
    // The type itself is younger than such a target: structure-compatibility says so.
    if (!isUsed(line([])) || (type === "regcollation" && target.versionNum < 130000)) continue;
    const there = Map.groupBy(await target.query<{ name: string }>(objects), ({ name }) => name);
    const isReadable = (name: string): boolean => (byNameAlone ? there.get(name)?.length === 1 : there.has(name)) || (type === "regrole" && movingRoles.has(name));
    const missing = (await source.query<{ oid: string; name: string }>(objects)).filter(({ name }) => !isReadable(name)).map(({ oid }) => oid);
    if (missing.length > 0) lines.push(line(missing));
  }
  return lines;
}
