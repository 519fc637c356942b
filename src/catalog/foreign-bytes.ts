import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";

/** character_not_in_repertoire: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NOT_IN_REPERTOIRE = "22021";

/** Well-formed UTF-8 as hexadecimal digits (https://www.unicode.org/versions/latest/, table 3-7). */
const UTF8_IN_HEX = "^([0-7].|(c[2-9a-f]|d.)[89ab].|e0[ab].[89ab].|e[1-9a-cef]([89ab].){2}|ed[89].[89ab].|f0[9ab].([89ab].){2}|f[123]([89ab].){3}|f48.([89ab].){2})*$";

/** No more places than fit in a sentence. */
const MOST_PLACES = 5;

/**
 * A SQL_ASCII database takes any bytes (https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED), also in its catalog; the server refuses
 * to send those that are not UTF-8 to a client that asks for UTF8. Then this says which they are, as `dump-failed`; other errors pass. A native pg_dump
 * gives no SQLSTATE: after `looksEverywhere` the places are looked for in any case.
 */
export async function namingForeignBytes<T>(endpoint: Endpoint, read: () => Promise<T>, looksEverywhere = false): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const isRefusal = stateOf(error) === NOT_IN_REPERTOIRE;
    if (!isRefusal && !(looksEverywhere && error instanceof GodwitError && error.code === "dump-failed")) throw error;
    const places = await findForeignBytes(endpoint).catch(() => undefined); // the first error says more than that of the search
    if (places === undefined || (places.length === 0 && !isRefusal)) throw error;
    const shown = `${places.slice(0, MOST_PLACES).join(", ")}${places.length > MOST_PLACES ? " …" : ""}`;
    const where = places.length === 0 ? "" : `: ${shown}`;
    const message = `${describeEndpoint(endpoint)}: names, defaults or bodies of this SQL_ASCII database hold bytes that are not UTF-8${where}`;
    throw new GodwitError("dump-failed", message, {
      ...(places[0] === undefined ? {} : { object: places[0] }),
      advice: "Rename or mend them at the source (with client_encoding SQL_ASCII the server takes and shows any bytes), then run the same command again.",
      cause: error,
    });
  }
}

function stateOf(error: unknown): string | undefined {
  const cause = error instanceof GodwitError ? error.cause : undefined;
  return typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

/** Where such bytes are, as `default of public.t.a`, bytes above 127 as `\351`; undefined when the database is not SQL_ASCII. The failed session may be in an aborted transaction. */
async function findForeignBytes(endpoint: Endpoint): Promise<string[] | undefined> {
  await using session = await openSession(endpoint);
  const [database] = await session.query<{ encoding: string }>("select pg_catalog.getdatabaseencoding() as encoding");
  if (database?.encoding !== "SQL_ASCII") return undefined;
  const rows = await session.query<{ place: string }>(
    `with relation (oid, kind, name) as (
       select c.oid, c.relkind, n.nspname::text || '.' || c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid >= 16384
     ), written (place, body) as (
       select 'schema ' || n.nspname::text, n.nspname::text from pg_catalog.pg_namespace n
       union all select case r.kind when 'v' then 'view ' when 'm' then 'view ' when 'S' then 'sequence ' when 'i' then 'index ' else 'table ' end || r.name,
                        r.name || case when r.kind in ('v', 'm') then pg_catalog.pg_get_viewdef(r.oid) when r.kind = 'i' then pg_catalog.pg_get_indexdef(r.oid) else '' end
                   from relation r
       union all select 'column ' || r.name || '.' || a.attname::text, a.attname::text from pg_catalog.pg_attribute a join relation r on r.oid = a.attrelid where not a.attisdropped
       union all select 'default of ' || r.name || '.' || a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
                   from pg_catalog.pg_attrdef d join relation r on r.oid = d.adrelid join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
       union all select 'type ' || n.nspname::text || '.' || t.typname::text, t.typname::text || coalesce(t.typdefault, '')
                   from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.typrelid = 0 and t.typelem = 0
       union all select 'enum ' || n.nspname::text || '.' || t.typname::text, e.enumlabel::text
                   from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace
       union all select 'function ' || n.nspname::text || '.' || p.proname::text,
                        p.proname::text || p.prosrc || coalesce(pg_catalog.array_to_string(p.proargnames, ''), '') || coalesce(pg_catalog.pg_get_expr(p.proargdefaults, 0), '')
                   from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where p.oid >= 16384
       union all select 'constraint ' || k.conname::text || coalesce(' of ' || r.name, ''), k.conname::text || pg_catalog.pg_get_constraintdef(k.oid)
                   from pg_catalog.pg_constraint k left join relation r on r.oid = k.conrelid where k.oid >= 16384
       union all select 'trigger ' || t.tgname::text || ' of ' || r.name, t.tgname::text || pg_catalog.pg_get_triggerdef(t.oid)
                   from pg_catalog.pg_trigger t join relation r on r.oid = t.tgrelid where not t.tgisinternal
       union all select 'rule ' || w.rulename::text || ' of ' || r.name, pg_catalog.pg_get_ruledef(w.oid) from pg_catalog.pg_rewrite w join relation r on r.oid = w.ev_class where r.kind not in ('v', 'm')
       union all select 'comment on ' || coalesce(r.name, d.classoid::pg_catalog.regclass::text || ' ' || d.objoid::text), d.description
                   from pg_catalog.pg_description d left join relation r on r.oid = d.objoid and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass where d.objoid >= 16384
       union all select 'role ' || r.rolname::text, r.rolname::text from pg_catalog.pg_roles r
     )
     select distinct pg_catalog.encode(pg_catalog.convert_to(place, 'SQL_ASCII'), 'escape') as place from written
      where pg_catalog.encode(pg_catalog.convert_to(body, 'SQL_ASCII'), 'hex') !~ $1 order by 1 limit ${MOST_PLACES + 1}`,
    [UTF8_IN_HEX],
  );
  return rows.map(({ place }) => place);
}
