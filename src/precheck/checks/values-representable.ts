import { movesData } from "../../plan/migration-type.ts";
import { exclusiveLocks } from "../../catalog/lock-holders.ts";
import type { CopyTable } from "../../copy/chunk.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { copyTables } from "../../plan/plan-chunks.ts";
import { TypeCatalog } from "../../verify/type-catalog.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { oidNameLines } from "../oid-names.ts";
import { ownNameLines } from "../own-names.ts";
import { databaseScope } from "../scope.ts";
import { type KnownTypes, type ValueLine, crossedLines, holds } from "../unrepresentable.ts";

/** Somebody's lock on one table is not to use up the time of the others. */
const LOCK_TIMEOUT_MS = 3000;
/** Less than the time that a check has: what was not looked at is told by name. */
const SCAN_LIMIT_MS = 20_000;

/** Values that the target cannot hold: no catalog shows them, so this is the one check that reads tables, with sessions of its own. */
export const valuesRepresentable: Check = checkWithin(SCAN_LIMIT_MS);

/** The check with another time limit, for tests. */
export function checkWithin(scanLimitMs: number): Check {
  const check: Check = {
    id: "values-representable",
    title: "The target can hold all values",
    about:
      "Only where the target lacks some values, and the one check that reads tables: those with columns of such types, smallest first, for 20 seconds. Failed: infinity in numeric (before 14) or interval (before 17), hyphens and long labels in ltree (before 16), jsonpath with methods that the target does not know (before 13, 17); and, where a side is older than 16, \"char\" beyond ASCII in a table that cannot travel as binary; into another encoding, values of type name that take more than 63 bytes there, which would be cut or refused; on the way to every major, values of regtype, regproc, regprocedure, regclass … that name what the source's server brings and the target's does not (or what shares its name there, where the name alone is read), of regclass that name indexes or relations that do not move, of regproc and regoper whose name others share, and of regrole whose role neither exists on the target nor moves. Alarm: names the tables that there was no time for.",
    appliesTo: ({ options }) => movesData(options.type),
    run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context, check, scanLimitMs))),
  };
  return check;
}

/** What to ask of one table: one condition for each column and line. */
interface Scan {
  readonly table: CopyTable;
  readonly questions: readonly { readonly column: string; readonly line: ValueLine; readonly condition: string }[];
}

async function judge(database: DatabaseToCheck, { target, roles, signal }: CheckContext, check: Check, scanLimitMs: number): Promise<CheckItem> {
  const { plan, source } = database;
  const scope = databaseScope(plan);
  const until = performance.now() + scanLimitMs;
  const tables = copyTables(plan.catalog, plan.selection.isSelected);
  const used = await readTypes(source, tables);
  const moving = new Set(roles.map(({ name }) => name));
  const isUsed = (line: ValueLine): boolean => used.holding(line).length > 0;
  const there = database.target ?? target;
  const lines = [...(await linesOf(database, target.versionNum)), ...(await oidNameLines(source, there, moving, isUsed)), ...(await ownNameLines(source, there, plan, isUsed))];
  if (lines.length === 0) return passed(check, scope);
  // The checks' session is theirs: a long scan would stand in the way of all others.
  await using session = await openSession(plan.source, { signal, settings: { lock_timeout: String(LOCK_TIMEOUT_MS) } });
  const scans = await planScans(session, tables, used, lines);
  const beyond: string[] = [];
  const notLookedAt: string[] = [];
  for (const scan of scans) {
    const answers = await scanTable(session, scan, until);
    if (typeof answers === "string") notLookedAt.push(answers);
    else beyond.push(...answers);
  }
  if (beyond.length > 0) {
    return found(check, scope, "failed", {
      evidence: [...listed(beyond), ...(notLookedAt.length > 0 ? [`not looked at: ${listed(notLookedAt).join(", ")}`] : [])],
      why: `The target (PostgreSQL ${target.major}) has no such values: they would be refused in the middle of the copy, or become others.`,
      fix: "Change these values at the source, or leave the tables out (--exclude table=…). Roles may move too, or be created first.",
    });
  }
  if (notLookedAt.length === 0) return passed(check, scope, [`${scans.length} tables looked at`]);
  return found(check, scope, "alarm", {
    evidence: listed(notLookedAt.map((name) => `not looked at: ${name}`)),
    why: `These tables have columns of types that can hold values which the target (PostgreSQL ${target.major}) does not have (${describe(lines)}), and could not be read to the end in time.`,
    fix: "Accept the alarm when you know that there are no such values, or look for them at the source.",
  });
}

function describe(lines: readonly ValueLine[]): string {
  return lines.map(({ what }) => what).join("; ");
}

async function linesOf({ plan, target }: DatabaseToCheck, targetVersionNum: number): Promise<ValueLine[]> {
  const { versionNum: sourceVersionNum, encoding: sourceEncoding } = plan.catalog.database;
  const [row] = target === undefined ? [] : await target.query<{ encoding: string }>("select pg_catalog.getdatabaseencoding() as encoding");
  return crossedLines({ sourceVersionNum, targetVersionNum, sourceEncoding, targetEncoding: row?.encoding ?? sourceEncoding });
}

/** The types of all columns that are copied. */
interface UsedTypes extends KnownTypes {
  /** Those of them that could hold a value beyond the line. */
  readonly holding: (line: ValueLine) => string[];
}

/** Only columns are read from the catalog, and each type once: there may be 200,000 tables. */
async function readTypes(session: Session, tables: readonly CopyTable[]): Promise<UsedTypes> {
  const rows = await session.query<{ type: string }>(
    "select distinct a.atttypid::pg_catalog.text as type from pg_catalog.pg_attribute a where a.attrelid = any($1::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped",
    [tables.map(({ oid }) => oid)],
  );
  const oids = rows.map(({ type }) => type);
  const types = await loadTypes(session, oids);
  return { ...types, holding: (line) => oids.filter((oid) => holds(line, types.get(oid), types, "x") !== undefined) };
}

/** The tables that could hold such a value, smallest first. */
async function planScans(session: Session, tables: readonly CopyTable[], types: UsedTypes, lines: readonly ValueLine[]): Promise<Scan[]> {
  const suspects = [...new Set(lines.flatMap((line) => types.holding(line)))];
  if (suspects.length === 0) return [];
  // A numeric with precision holds no infinity.
  const columns = await session.query<{ table: string; name: string; type: string; generated: boolean }>(
    `select a.attrelid::pg_catalog.text as "table", a.attname::pg_catalog.text as name, a.atttypid::pg_catalog.text as type,
            ${session.versionNum >= 120000 ? "a.attgenerated <> ''" : "false"} as generated
       from pg_catalog.pg_attribute a
      where a.attrelid = any($1::pg_catalog.oid[]) and a.attnum > 0 and not a.attisdropped and a.atttypid = any($2::pg_catalog.oid[])
        and not (a.atttypid in ('pg_catalog.numeric'::pg_catalog.regtype, 'pg_catalog.numeric[]'::pg_catalog.regtype) and a.atttypmod <> -1)
      order by a.attrelid, a.attnum`,
    [tables.map(({ oid }) => oid), suspects],
  );
  const byTable = Map.groupBy(columns, ({ table }) => table);
  const scans = tables.map((table): Scan => {
    // Generated columns do not travel, but the target cannot compute what it cannot hold.
    const asText = (line: ValueLine): boolean => line.type === "char";
    const questions = (byTable.get(table.oid) ?? []).flatMap(({ name, type, generated }) =>
      lines.flatMap((line) => {
        if (asText(line) && (generated || table.format === "binary")) return [];
        const condition = holds(line, types.get(type), types, quoteIdentifier(name));
        return condition === undefined ? [] : [{ column: name, line, condition }];
      }),
    );
    return { table, questions };
  });
  return scans.filter(({ questions }) => questions.length > 0).toSorted((a, b) => a.table.bytes - b.table.bytes);
}

/** The types with their parts; those of extension ltree, wherever it is installed, have a name too. */
async function loadTypes(session: Session, oids: readonly string[]): Promise<KnownTypes> {
  const types = new TypeCatalog();
  await types.load(oids, async (sql, values) => await session.query(sql, values));
  const rows = await session.query<{ oid: string; name: string }>(
    `select t.oid::pg_catalog.text as oid, e.extname || '.' || t.typname as name
       from pg_catalog.pg_extension e
       join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid and d.deptype = 'e'
       join pg_catalog.pg_type t on d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and t.oid = d.objid
      where e.extname = 'ltree'`,
  );
  const names = new Map(rows.map(({ oid, name }) => [oid, name]));
  return {
    get: (oid) => {
      const type = types.get(oid);
      const name = names.get(oid);
      return name === undefined || type.element !== undefined ? type : { ...type, builtin: name };
    },
  };
}

/** What the table holds, as evidence; its name when it could not be read in time, or not at all (source-privileges says why), with whose lock is in the way. */
async function scanTable(session: Session, { table, questions }: Scan, until: number): Promise<string[] | string> {
  const leftMs = Math.floor(until - performance.now());
  if (leftMs < 1) return table.display;
  const answers = questions.map(({ condition }, at) => `coalesce(pg_catalog.bool_or(${condition}), false) as c${at}`);
  const where = table.where === "" ? "" : ` where ${table.where}`;
  try {
    await session.query("select pg_catalog.set_config('statement_timeout', $1, false)", [String(leftMs)]);
    const [row] = await session.query<Record<string, boolean>>(`select ${answers.join(", ")} from only ${table.from}${where}`);
    return questions.filter((_, at) => row?.[`c${at}`] === true).map(({ column, line }) => `${table.display}.${column}: ${line.what}`);
  } catch (error) {
    if (!(error instanceof GodwitError) || error.code === "connection-lost") throw error;
    const holder = error.code === "lock-unavailable" ? (await exclusiveLocks(session)).find(({ object }) => object === table.display) : undefined;
    return holder === undefined ? table.display : `${table.display}, which is locked: ${holder.text}`;
  }
}
