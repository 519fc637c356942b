import { movesData } from "../../plan/migration-type.ts";
import { sqlStateOf } from "../../structure/attempt.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** So many rows of a table are tried; the first may hold NULL, which a strict function never sees. */
const ROWS = 100;
const TIME_MS = 15_000;
const SETTINGS = { default_transaction_read_only: "on", statement_timeout: "2000", lock_timeout: "1000" };
/** What is named is not found: undefined_function, undefined_table, undefined_object. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const NOT_FOUND: ReadonlySet<string> = new Set(["42883", "42P01", "42704"]);

/**
 * A function's body is text: what it names without a schema is looked for in the search_path of whoever calls it. A migration, like a restore, has an empty one
 * (https://www.postgresql.org/docs/current/app-pgdump.html, "search_path"; CVE-2018-1058), so that nobody's objects are called by mistake.
 */
export const searchPath: Check = {
  id: "search-path",
  title: "Functions in indexes, CHECK constraints and generated columns find what they name",
  about: `Failed: one of these expressions calls a function whose body names something without its schema, and that is found by a search_path only. Each expression that calls a function of the database's own is tried at the source, without a search_path, read-only, on ${ROWS} rows of its table, for 15 seconds in all. Not tried: domains, and what materialized views call: one that cannot be filled is told at the end.`,
  appliesTo: ({ options }) => movesData(options.type),
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

interface Expression {
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  /** "index s.i", "constraint c", "column c". */
  readonly place: string;
  readonly expression: string;
  /** SQL that gives a search_path to each function that it calls and that brings none. */
  readonly fixes: readonly string[];
}

async function judge({ plan, source }: DatabaseToCheck, { signal }: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const moving = new Set(plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation)).map(({ oid }) => oid));
  const expressions = (await readExpressions(source)).filter(({ oid }) => moving.has(oid));
  if (expressions.length === 0) return passed(searchPath, scope);
  const until = performance.now() + TIME_MS;
  const broken: { readonly text: string; readonly fixes: readonly string[] }[] = [];
  let tried = 0;
  await using session = await openSession(plan.source, { signal, settings: SETTINGS });
  for (const { schema, table, place, expression, fixes } of expressions) {
    if (performance.now() > until) break;
    tried++;
    try {
      await session.query(
        `select pg_catalog.count(row(${expression})) from (select * from ${quoteIdentifier(schema)}.${quoteIdentifier(table)} limit ${ROWS}) as ${quoteIdentifier(table)}`,
      );
    } catch (error) {
      if (!NOT_FOUND.has(sqlStateOf(error))) continue; // a right that is missing, a value that is refused: others' business
      const why = error instanceof Error ? (error.cause instanceof Error ? error.cause : error).message : "";
      broken.push({ text: `${place} of ${schema}.${table}: ${why}`, fixes });
    }
  }
  if (broken.length === 0) return passed(searchPath, scope, [`${tried} of ${expressions.length} expressions were tried`]);
  const fixSql = [...new Set(broken.flatMap(({ fixes }) => fixes))].join("\n");
  return found(searchPath, scope, "failed", {
    evidence: listed(broken.map(({ text }) => text)),
    why: "The functions that these call name something without its schema. On the target nothing is found that way while it is written: the copy, or the index, would end with this error.",
    fix: "Name the schema in the functions' bodies, or give each function the search_path that it needs (by the SQL: its own schema; name others where it needs them).",
    ...(fixSql === "" ? {} : { fixSql }),
    fixOn: plan.source,
  });
}

/** Every expression that is computed while rows are written, and that calls a function written in SQL, PL/pgSQL or another language of the database's own. */
async function readExpressions(source: Session): Promise<Expression[]> {
  const generated =
    source.versionNum >= 120000
      ? `union all
         select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, d.oid, d.adrelid, pg_catalog.format('column %s', a.attname), pg_catalog.pg_get_expr(d.adbin, d.adrelid)
           from pg_catalog.pg_attrdef d join pg_catalog.pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum where a.attgenerated = 's'`
      : "";
  return await source.query<Expression>(
    `with own as (
       select p.oid, case when not exists (select from pg_catalog.unnest(p.proconfig) s where pg_catalog.left(s, 12) = 'search_path=') then
                pg_catalog.format('alter function %I.%I(%s) set search_path = %I, pg_temp;', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid), n.nspname) end as fix
         from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
        where p.oid >= 16384 and l.lanname not in ('c', 'internal')),
     places as (
       select 'pg_catalog.pg_class'::pg_catalog.regclass as class, i.indexrelid as object, i.indrelid as relation, pg_catalog.format('index %s', c.relname) as place,
              pg_catalog.concat_ws(', ', pg_catalog.pg_get_expr(i.indexprs, i.indrelid), pg_catalog.pg_get_expr(i.indpred, i.indrelid)) as expression
         from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid where i.indexprs is not null or i.indpred is not null
       union all
       select 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.conrelid, pg_catalog.format('constraint %s', k.conname), pg_catalog.pg_get_expr(k.conbin, k.conrelid)
         from pg_catalog.pg_constraint k where k.contype = 'c' and k.conrelid <> 0 ${generated})
     select c.oid::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema, c.relname::pg_catalog.text as table, p.place, p.expression,
            coalesce(pg_catalog.array_agg(o.fix order by o.fix) filter (where o.fix is not null), '{}') as fixes
       from places p
       join pg_catalog.pg_depend d on d.classid = p.class and d.objid = p.object and d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
       join own o on o.oid = d.refobjid
       join pg_catalog.pg_class c on c.oid = p.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      group by c.oid, n.nspname, c.relname, p.place, p.expression order by 2, 3, 4`,
  );
}
