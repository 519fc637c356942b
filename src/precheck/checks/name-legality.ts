import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** NAMEDATALEN - 1: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS */
const MOST_BYTES = 63;

/** Names there are as long as they come to us, in UTF-8. Into other encodings (EUC_JP, EUC_TW …) a character gets longer but seldom: what encoding-collation says of such a pair must do. */
const KEEPS_UTF8: ReadonlySet<string> = new Set(["UTF8", "SQL_ASCII"]);

export const nameLegality: Check = {
  id: "name-legality",
  title: "Names are not too long for the target's encoding",
  about: `Only where the source's encoding is neither UTF8 nor SQL_ASCII, and the target's is. Failed: names of schemas, tables, columns, constraints, indexes, triggers, policies, rules, types, labels of enums, functions and their arguments, foreign servers, publications, collations and all else that has a name of its own, that take more than ${MOST_BYTES} bytes there (an é is one byte of LATIN1, and two of UTF8). Words that only the target's version reserves are no finding: names are quoted.`,
  appliesTo: ({ databases }) => databases.some(({ plan }) => !KEEPS_UTF8.has(plan.catalog.database.encoding)),
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source, target }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  if (KEEPS_UTF8.has(plan.catalog.database.encoding)) return passed(nameLegality, scope);
  // A database that is created gets the source's encoding.
  const [row] = target === undefined ? [] : await target.query<{ encoding: string }>("select pg_catalog.getdatabaseencoding() as encoding");
  if (row === undefined || !KEEPS_UTF8.has(row.encoding)) return passed(nameLegality, scope);
  const moving = new Set(plan.entries.map(({ catalogOid, oid }) => `${catalogOid} ${oid}`));
  const long = (await longNames(source)).filter(({ catalogOid, oid }) => moving.has(`${catalogOid} ${oid}`));
  if (long.length === 0) return passed(nameLegality, scope);
  return found(nameLegality, scope, "failed", {
    evidence: listed(long.map(({ kind, name, place, bytes }) => `${kind} "${name}"${place === null ? "" : ` of ${place}`}: ${bytes} bytes in UTF-8`)),
    why: `The target cuts names behind ${MOST_BYTES} bytes (and refuses such labels of enums): two names may become one, and what was moved no longer has the name by which it is known.`,
    fix: `Rename them at the source, leave them out with --exclude, or create the target database with encoding ${plan.catalog.database.encoding} (template template0).`,
  });
}

/** What bears the name, or what it is part of, is a statement of its own. */
interface LongName extends Record<string, unknown> {
  readonly kind: string;
  readonly name: string;
  /** What it is part of, for people; null for what stands by itself. */
  readonly place: string | null;
  readonly bytes: number;
  readonly catalogOid: string;
  readonly oid: string;
}

/** Kinds of objects that nothing else belongs to: their catalog, its column for names, and the version that brought them. */
const BY_THEMSELVES: readonly (readonly [kind: string, catalog: string, column: string, since?: number])[] = [
  ["schema", "pg_namespace", "nspname"],
  ["function", "pg_proc", "proname"],
  ["foreign-data wrapper", "pg_foreign_data_wrapper", "fdwname"],
  ["server", "pg_foreign_server", "srvname"],
  ["publication", "pg_publication", "pubname", 100000],
  ["event trigger", "pg_event_trigger", "evtname"],
  ["language", "pg_language", "lanname"],
  ["access method", "pg_am", "amname", 90600],
  ["operator class", "pg_opclass", "opcname"],
  ["operator family", "pg_opfamily", "opfname"],
  ["collation", "pg_collation", "collname"],
  ["conversion", "pg_conversion", "conname"],
  ["text search configuration", "pg_ts_config", "cfgname"],
  ["text search dictionary", "pg_ts_dict", "dictname"],
  ["text search parser", "pg_ts_parser", "prsname"],
  ["text search template", "pg_ts_template", "tmplname"],
  ["statistics", "pg_statistic_ext", "stxname", 100000],
];

async function longNames(source: Session): Promise<LongName[]> {
  const policies = `union all select 'policy', p.polname, r.place, r.catalog, r.object from pg_catalog.pg_policy p join relation r on r.oid = p.polrelid`;
  // Each range has one, which gets a longer name: https://www.postgresql.org/docs/current/rangetypes.html#RANGETYPES-DEFINING
  const multiranges = `union all select 'multirange', m.typname, t.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid
                   from pg_catalog.pg_range g join pg_catalog.pg_type t on t.oid = g.rngtypid join pg_catalog.pg_type m on m.oid = g.rngmultitypid`;
  const byThemselves = BY_THEMSELVES.filter(([, , , since = 0]) => source.versionNum >= since).map(
    ([kind, catalog, column]) => `select '${kind}', o.${column}, null, 'pg_catalog.${catalog}'::pg_catalog.regclass, o.oid from pg_catalog.${catalog} o where o.oid >= 16384`,
  );
  return await source.query<LongName>(
    `with relation (oid, place, catalog, object) as (
       select c.oid, n.nspname || '.' || c.relname, (case c.relkind when 'c' then 'pg_catalog.pg_type' else 'pg_catalog.pg_class' end)::pg_catalog.regclass,
              case c.relkind when 'c' then c.reltype else c.oid end
         from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
     ), named (kind, name, place, catalog, object) as (
       ${byThemselves.join("\n       union all ")}
       union all select case c.relkind when 'S' then 'sequence' when 'v' then 'view' when 'm' then 'materialized view' when 'c' then 'type' else 'table' end, c.relname, null, r.catalog, r.object
                   from relation r join pg_catalog.pg_class c on c.oid = r.oid
       union all select 'column', a.attname, r.place, r.catalog, r.object
                   from relation r join pg_catalog.pg_attribute a on a.attrelid = r.oid where a.attnum > 0 and not a.attisdropped
       union all select 'index', c.relname, r.place, r.catalog, r.object
                   from relation r join pg_catalog.pg_index i on i.indrelid = r.oid join pg_catalog.pg_class c on c.oid = i.indexrelid
                  where not exists (select from pg_catalog.pg_constraint k where k.conindid = c.oid and k.conname = c.relname)
       union all select 'constraint', k.conname, r.place, r.catalog, r.object from relation r join pg_catalog.pg_constraint k on k.conrelid = r.oid where k.contype <> 't'
       union all select 'trigger', t.tgname, r.place, r.catalog, r.object from relation r join pg_catalog.pg_trigger t on t.tgrelid = r.oid where not t.tgisinternal
       union all select 'rule', w.rulename, r.place, r.catalog, r.object from relation r join pg_catalog.pg_rewrite w on w.ev_class = r.oid
       ${source.versionNum < 90500 ? "" : policies}
       union all select 'type', t.typname, null, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid from pg_catalog.pg_type t where t.typtype in ('b', 'd', 'e', 'r')
       ${source.versionNum < 140000 ? "" : multiranges}
       union all select 'constraint', k.conname, t.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid from pg_catalog.pg_constraint k join pg_catalog.pg_type t on t.oid = k.contypid
       union all select 'label', e.enumlabel, t.typname, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid = e.enumtypid
       union all select 'argument', g.name::pg_catalog.name, p.proname, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
                   from pg_catalog.pg_proc p cross join lateral pg_catalog.unnest(p.proargnames) g (name) where p.oid >= 16384
     )
     select x.kind, x.name::pg_catalog.text as name, x.place::pg_catalog.text as place, x.catalog::pg_catalog.oid::pg_catalog.text as "catalogOid", x.object::pg_catalog.text as oid, x.bytes
       from (select w.*, pg_catalog.octet_length(pg_catalog.convert_to(w.name::pg_catalog.text, 'UTF8')) as bytes from named w) x
      where x.bytes > $1 order by x.place nulls first, x.kind, x.name`,
    [MOST_BYTES],
  );
}
