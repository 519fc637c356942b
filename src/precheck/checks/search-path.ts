import { movesData } from "../../plan/migration-type.ts";
import { quoteIdentifier, quoteQualified } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { namesInBody } from "../body-names.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { readPlaces } from "../computed-places.ts";
import { databaseScope } from "../scope.ts";

/**
 * A function's body is text: what it names without a schema is looked for in the search_path of whoever calls it. A migration, like a restore, has an empty one
 * (https://www.postgresql.org/docs/current/app-pgdump.html, "search_path"; CVE-2018-1058), so that nobody's objects are called by mistake. Bodies are read, and never run: whoever may
 * make a function would do by it what our account may.
 */
export const searchPath: Check = {
  id: "search-path",
  title: "Functions in indexes, CHECK constraints and generated columns find what they name",
  about:
    "Alarm: an index, a CHECK constraint (also that of a domain), a generated column or a partition key of a table that moves calls a function in SQL or PL/pgSQL, itself or by another function, an operator or an operator class, whose body names a function, relation, type or operator of the database without its schema, and no search_path is set for it. It is told from the text of the bodies: names in strings (dynamic SQL) are not seen, and a variable or common table expression of the same name is taken for what it looks like. Not looked at: what materialized views call; one that cannot be filled is told at the end.",
  appliesTo: ({ options }) => movesData(options.type),
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const moving = new Set(plan.catalog.relations.filter((relation) => plan.selection.isSelected(relation)).map(({ oid }) => oid));
  const places = (await readPlaces(source)).filter(({ relation }) => moving.has(relation));
  if (places.length === 0) return passed(searchPath, scope, ["none of them calls a function of the database's own"]);
  const reading = await BodyReading.begin(source);
  const evidence = new Set<string>();
  const unfound = new Map<string, Unfound[]>();
  for (const { place, routine } of places) {
    for (const one of await reading.unfound(routine, [], new Set())) {
      const { body, missing } = one;
      evidence.add(`${place}: ${body.schema}.${body.name} names ${missing.map(({ name, schemas }) => `${name} of ${schemas.join(" or ")}`).join(", ")}`);
      unfound.set(body.oid, [...(unfound.get(body.oid) ?? []), one]);
    }
  }
  if (evidence.size === 0) return passed(searchPath, scope, [`${new Set(places.map(({ routine }) => routine)).size} functions looked at`]);
  const fixes = Array.from(unfound.values(), fixOf);
  const known = fixes.filter((sql) => sql !== undefined);
  // Half of the SQL would leave the item as it is.
  const fixSql = known.length < fixes.length ? undefined : known.toSorted().join("\n");
  return found(searchPath, scope, "alarm", {
    evidence: listed([...evidence].toSorted()),
    why: "The bodies of these functions name something without its schema. On the target nothing is found that way while it is written: where rows get there, the copy, or the index, ends with an error.",
    fix: "Name the schema in the functions' bodies, or give each function the search_path that it needs: with the SQL, the schemas of what it names, and those of the database's own search_path. Accept the alarm where a name is only that of a variable.",
    ...(fixSql === undefined ? {} : { fixSql }),
    fixOn: plan.source,
  });
}

/** Called in several ways, a function gets what it needs in all of them. */
function fixOf(ways: readonly Unfound[]): string | undefined {
  if (ways.some(({ path }) => path === undefined)) return undefined;
  const { schema, name, arguments: types } = ways[0]!.body;
  const path = [...new Set(ways.flatMap((way) => way.path ?? []))];
  return `alter function ${quoteQualified(schema, name)}(${types}) set search_path = ${path.map(quoteIdentifier).join(", ")}, pg_temp;`;
}

/** A function that is written in a language, with what of it counts. */
interface Body {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly arguments: string;
  /** The text; null where names were resolved when it was made (a body of the SQL standard, from 14 on), or in a language that is not read. */
  readonly text: string | null;
  /** `SET search_path` of the function. */
  readonly path: string | null;
  /** Functions that it depends on by itself. */
  readonly calls: readonly string[];
}

interface Missing {
  readonly name: string;
  readonly schemas: readonly string[];
}

interface Unfound {
  readonly body: Body;
  readonly missing: readonly Missing[];
  /** A search_path by which all would be found; undefined where it cannot be told which of several is meant. */
  readonly path: readonly string[] | undefined;
}

/** Objects of one name, an operator by its function: those of pg_catalog are found by every search_path. */
type Named = readonly { readonly oid: string; readonly schema: string }[];

/** Reads bodies from call to call, each function and each name once. */
class BodyReading {
  readonly #source: Session;
  readonly #usual: readonly string[];
  readonly #bodies = new Map<string, Body | undefined>();
  readonly #names = new Map<string, Named>();

  private constructor(source: Session, usual: readonly string[]) {
    this.#source = source;
    this.#usual = usual;
  }

  static async begin(source: Session): Promise<BodyReading> {
    const [row] = await source.query<{ path: string }>("select s.reset_val as path from pg_catalog.pg_settings s where s.name = 'search_path'");
    return new BodyReading(source, schemasOf(row?.path ?? ""));
  }

  /** Of a function, and of all that it calls, what is not found when it is called with this search_path. `seen`: functions that are looked at already. */
  async unfound(routine: string, given: readonly string[], seen: Set<string>): Promise<Unfound[]> {
    if (seen.has(routine)) return [];
    seen.add(routine);
    const body = await this.#body(routine);
    if (body === undefined) return [];
    const path = body.path === null ? given : schemasOf(body.path);
    const missing: Missing[] = [];
    const called = [...body.calls];
    for (const { kind, schema, name } of body.text === null ? [] : namesInBody(body.text)) {
      const all = await this.#named(kind, name);
      if (schema === undefined && all.some((one) => one.schema === "pg_catalog")) continue;
      const meant = all.filter((one) => (schema === undefined ? path.includes(one.schema) : one.schema === schema));
      const isMissing = schema === undefined && meant.length === 0 && all.length > 0;
      if (isMissing) missing.push({ name, schemas: all.map((one) => one.schema) });
      if (kind === "function" || kind === "operator") called.push(...(isMissing ? all : meant).map(({ oid }) => oid));
    }
    const isClear = missing.every(({ schemas }) => new Set(schemas).size === 1);
    const wider = [...new Set([...path, body.schema, ...missing.flatMap(({ schemas }) => schemas), ...this.#usual])];
    const own = missing.length === 0 ? [] : [{ body, missing, path: isClear ? wider : undefined }];
    const below: Unfound[] = [];
    for (const oid of called) below.push(...(await this.unfound(oid, missing.length === 0 ? path : wider, seen)));
    return [...own, ...below];
  }

  async #body(oid: string): Promise<Body | undefined> {
    if (!this.#bodies.has(oid)) {
      const isParsed = this.#source.versionNum >= 140000 ? "p.prosqlbody is not null" : "false";
      const [row] = await this.#source.query<Body & Record<string, unknown>>(
        `select p.oid::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema, p.proname::pg_catalog.text as name, pg_catalog.pg_get_function_identity_arguments(p.oid) as arguments,
                case when l.lanname in ('sql', 'plpgsql') and not ${isParsed} then p.prosrc end as text,
                (select pg_catalog.substr(s, 13) from pg_catalog.unnest(p.proconfig) s where pg_catalog.left(s, 12) = 'search_path=') as path,
                array(select d.refobjid::pg_catalog.text from pg_catalog.pg_depend d
                       where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.refclassid = d.classid) as calls
           from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace join pg_catalog.pg_language l on l.oid = p.prolang
          where p.oid = $1 and l.lanname not in ('c', 'internal')`,
        [oid],
      );
      this.#bodies.set(oid, row);
    }
    return this.#bodies.get(oid);
  }

  async #named(kind: keyof typeof BY_NAME, name: string): Promise<Named> {
    const key = `${kind} ${name}`;
    let known = this.#names.get(key);
    if (known === undefined) {
      known = await this.#source.query<{ oid: string; schema: string }>(BY_NAME[kind], [name]);
      this.#names.set(key, known);
    }
    return known;
  }
}

const BY_NAME = {
  function: namedSql("pg_proc", "pro"),
  relation: namedSql("pg_class", "rel", "and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')"),
  type: namedSql("pg_type", "typ"),
  operator: namedSql("pg_operator", "opr", "", "oprcode::pg_catalog.oid"),
} as const;

function namedSql(catalog: string, prefix: string, condition = "", oid = "oid"): string {
  return `select c.${oid}::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema from pg_catalog.${catalog} c join pg_catalog.pg_namespace n on n.oid = c.${prefix}namespace
    where c.${prefix}name::pg_catalog.text = $1 and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_temp\\_%' and n.nspname not like 'pg\\_toast%' ${condition} order by 2, 1`;
}

/** The schemas of a search_path: `"$user", public, "My schema"`. */
function schemasOf(path: string): string[] {
  return Array.from(path.matchAll(/"((?:[^"]|"")+)"|([^\s,"]+)/g), ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "").filter(
    (name) => name !== "$user" && name !== "pg_temp",
  );
}
