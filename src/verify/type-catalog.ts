import { GodwitError } from "../errors/godwit-error.ts";
import { quoteIdentifier } from "../wire/quote.ts";

/** A type as far as its canonical form needs it. Oids are the source's; names are valid on both servers. */
export interface PgType {
  readonly oid: string;
  /** As written in a cast. */
  readonly name: string;
  /** Its name when it lives in pg_catalog and is no array, range, domain or composite. */
  readonly builtin: string | undefined;
  /** The oid of a domain's base type, an array's element type, a range's subtype. */
  readonly base: string | undefined;
  readonly element: string | undefined;
  readonly subtype: string | undefined;
  /** A composite's attributes; names are quoted. */
  readonly attributes: readonly { readonly name: string; readonly type: string }[];
}

type Query = <Row extends object>(sql: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** The types of the columns met so far, with all that they are made of. */
export class TypeCatalog {
  readonly #types = new Map<string, PgType>();

  get(oid: string): PgType {
    const type = this.#types.get(oid);
    if (type === undefined) throw new GodwitError("internal", `type ${oid} was not read`);
    return type;
  }

  /** Reads what is not known yet of these types and of their parts. */
  async load(oids: Iterable<string>, query: Query): Promise<void> {
    const unknown = [...new Set(oids)].filter((oid) => !this.#types.has(oid));
    if (unknown.length === 0) return;
    for (const row of await query<TypeRow>(TYPES, [unknown])) {
      this.#types.set(row.oid, {
        oid: row.oid,
        name: row.name,
        builtin: row.builtin ?? undefined,
        base: row.base ?? undefined,
        element: row.element ?? undefined,
        subtype: row.subtype ?? undefined,
        attributes: (row.attributes ?? []).map(({ name, type }) => ({ name: quoteIdentifier(name), type: String(type) })),
      });
    }
  }
}

interface TypeRow {
  readonly oid: string;
  readonly name: string;
  readonly builtin: string | null;
  readonly base: string | null;
  readonly element: string | null;
  readonly subtype: string | null;
  readonly attributes: readonly { readonly name: string; readonly type: string | number }[] | null;
}

/**
 * format_type with typmod -1 and not NULL: the latter names bpchar "character", which in a cast is character(1). True arrays are
 * those that array_out prints: point and name have a typelem too.
 */
const TYPES = `
with recursive part(oid) as (
  select pg_catalog.unnest($1::pg_catalog.oid[])
  union
  select inner_type.oid
  from part
  join pg_catalog.pg_type t on t.oid = part.oid
  cross join lateral (
    select t.typbasetype where t.typtype = 'd'
    union all select t.typelem where t.typelem <> 0
    union all select r.rngsubtype from pg_catalog.pg_range r where t.typtype = 'r' and r.rngtypid = t.oid
    union all select a.atttypid from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
  ) as inner_type(oid)
)
select t.oid::pg_catalog.text as oid,
  pg_catalog.format_type(t.oid, -1) as name,
  case when n.nspname = 'pg_catalog' and t.typtype = 'b' and t.typoutput <> 'pg_catalog.array_out'::pg_catalog.regproc then t.typname::pg_catalog.text end as builtin,
  case when t.typtype = 'd' then t.typbasetype::pg_catalog.text end as base,
  case when t.typtype = 'b' and t.typoutput = 'pg_catalog.array_out'::pg_catalog.regproc then t.typelem::pg_catalog.text end as element,
  case when t.typtype = 'r' then (select r.rngsubtype::pg_catalog.text from pg_catalog.pg_range r where r.rngtypid = t.oid) end as subtype,
  case when t.typtype = 'c' then (
    select pg_catalog.json_agg(pg_catalog.json_build_object('name', a.attname, 'type', a.atttypid::pg_catalog.text) order by a.attnum)
    from pg_catalog.pg_attribute a
    where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
  ) end as attributes
from part
join pg_catalog.pg_type t on t.oid = part.oid
join pg_catalog.pg_namespace n on n.oid = t.typnamespace`;
