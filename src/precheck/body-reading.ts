import { splitNameList } from "../structure/setting.ts";
import type { Session } from "../wire/session.ts";
import { namesInBody } from "./body-names.ts";

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

/** A function that names what is not found. */
export interface Unfound {
  readonly body: Body;
  readonly missing: readonly Missing[];
  /** A search_path by which all would be found; undefined where it cannot be told which of several is meant. */
  readonly path: readonly string[] | undefined;
}

/** Objects of one name, an operator by its function: those of pg_catalog are found by every search_path. */
type Named = readonly { readonly oid: string; readonly schema: string }[];

/** Reads bodies from call to call, each function and each name once. */
export class BodyReading {
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
  collation: namedSql("pg_collation", "coll"),
  configuration: namedSql("pg_ts_config", "cfg"),
} as const;

function namedSql(catalog: string, prefix: string, condition = "", oid = "oid"): string {
  return `select c.${oid}::pg_catalog.text as oid, n.nspname::pg_catalog.text as schema from pg_catalog.${catalog} c join pg_catalog.pg_namespace n on n.oid = c.${prefix}namespace
    where c.${prefix}name::pg_catalog.text = $1 and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_temp\\_%' and n.nspname not like 'pg\\_toast%' ${condition} order by 2, 1`;
}

/** The schemas of a search_path, but for those of whoever is connected. */
function schemasOf(path: string): string[] {
  return (splitNameList(path) ?? []).filter((name) => name !== "$user" && name !== "pg_temp");
}
