import { isDeepStrictEqual } from "node:util";
import { quoteLiteral } from "../../../src/wire/quote.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { type TablePair, verifyTables } from "../../../src/verify/verify.ts";
import { LEDGER } from "./random-schema.ts";
import type { ScenarioDatabase } from "./site.ts";

const OURS = `n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'godwit')`;

/** Every sequence by its quoted name. */
export const SEQUENCES_SQL = `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'S' and ${OURS} order by 1`;

export interface Sides {
  readonly source: ScenarioDatabase;
  readonly target: ScenarioDatabase;
}

/** All that differs, one line each: tables (by digests of their content), sequences, constraints, and commits that were acknowledged and are not there. */
export async function compareSides(sides: Sides, acknowledged: ReadonlySet<string>, wishes: { readonly unlogged: boolean }): Promise<string[]> {
  return [
    ...(await compareTables(sides, wishes.unlogged)),
    ...(await compareTexts(sides, wishes.unlogged)),
    ...(await compareRows(sides, "sequence", sequencesSql)),
    ...(await compareRows(sides, "constraint", async () => CONSTRAINTS_SQL)),
    ...(await missingCommits(sides.target, acknowledged)),
  ];
}

async function compareTables({ source, target }: Sides, unlogged: boolean): Promise<string[]> {
  const hasPartitions = source.server.major >= 10;
  const rows = await source.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')${hasPartitions ? " and not c.relispartition" : ""} and ${OURS} ${unlogged ? "" : "and c.relpersistence <> 'u'"} order by 1, 2`,
  );
  // As a whole: also the rows of a partition or child that only one side has count.
  const pairs = rows.map(({ schema, name }): TablePair => ({ schema, name, bytes: 0, withPartitions: true }));
  const result = await verifyTables(parseEndpoint("source", source.uri), parseEndpoint("target", target.uri), pairs, { concurrency: 2, signal: new AbortController().signal });
  return [
    ...result.differences.map(({ table, reason, sourceRows, targetRows, keys }) => `table ${table}: ${reason} (${sourceRows} → ${targetRows} rows) ${keys.join("; ")}`),
    ...result.unreadable.map(({ table, error }) => `table ${table}: ${error.message}`),
  ];
}

/** Floating-point numbers have the same text on both sides: https://www.postgresql.org/docs/12/release-12.html */
const SAME_TEXT_SINCE = 12;

/** The same once more, by the servers alone and with nothing of the product: a hash over the texts of all rows. */
async function compareTexts(sides: Sides, unlogged: boolean): Promise<string[]> {
  if (sides.source.server.major < SAME_TEXT_SINCE || sides.target.server.major < SAME_TEXT_SINCE) return [];
  return await compareRows(sides, "rows as text", async (database) => await textsSql(database, unlogged));
}

/** Columns in the order of their names: the target may have them in another one. */
async function textsSql(database: ScenarioDatabase, unlogged: boolean): Promise<string> {
  const tables = await database.query<{ name: string; columns: string }>(
    `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attname collate "C") as columns
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relkind in ('r', 'p') and not c.relispartition and ${OURS} ${unlogged ? "" : "and c.relpersistence <> 'u'"} group by 1 order by 1`,
  );
  const selects = tables.map(
    ({ name, columns }) =>
      `select pg_catalog.concat_ws(' ', ${quoteLiteral(name)}, pg_catalog.count(*), pg_catalog.md5(pg_catalog.string_agg(row, '' order by row collate "C"))) as fact
         from (select pg_catalog.md5(row(${columns})::text) as row from ${name}) r`,
  );
  return selects.length === 0 ? "select '' as fact where false" : `${selects.join(" union all ")} order by 1`;
}

async function sequencesSql(database: ScenarioDatabase): Promise<string> {
  const sequences = await database.query<{ name: string }>(SEQUENCES_SQL);
  const selects = sequences.map(({ name }) => `select pg_catalog.concat_ws(' ', ${quoteLiteral(name)}, last_value, is_called) as fact from ${name}`);
  return selects.length === 0 ? "select '' as fact where false" : `${selects.join(" union all ")} order by 1`;
}

/** From 18 on NOT NULL is one as well. Those of partitions follow their tables'. */
const CONSTRAINTS_SQL = `select pg_catalog.concat_ws(' ', c.conrelid::regclass, c.conname, c.contype, c.convalidated, c.condeferrable, c.condeferred) as fact
  from pg_constraint c join pg_namespace n on n.oid = c.connamespace where ${OURS} and c.contype in ('c', 'f', 'p', 'u', 'x') and c.conrelid <> 0 order by 1`;

async function compareRows({ source, target }: Sides, what: string, sqlFor: (database: ScenarioDatabase) => Promise<string>): Promise<string[]> {
  const [there, here] = await Promise.all([source, target].map(async (database) => (await database.query<{ fact: string }>(await sqlFor(database))).map(({ fact }) => fact)));
  if (isDeepStrictEqual(there, here)) return [];
  const one = there!.filter((fact) => !here!.includes(fact)).map((fact) => `${what} only on the source: ${fact}`);
  return [...one, ...here!.filter((fact) => !there!.includes(fact)).map((fact) => `${what} only on the target: ${fact}`)];
}

async function missingCommits(target: ScenarioDatabase, acknowledged: ReadonlySet<string>): Promise<string[]> {
  const rows = await target.query<{ commit: string }>(`select client || '/' || n as commit from ${LEDGER}`);
  const there = new Set(rows.map(({ commit }) => commit));
  return [...acknowledged].filter((commit) => !there.has(commit)).map((commit) => `acknowledged commit ${commit} is not on the target`);
}

/** What a migration must not leave behind, and must leave as it was: read before and after. */
export async function readTraces({ source, target }: Sides): Promise<readonly string[]> {
  const facts = async (database: ScenarioDatabase, sql: string): Promise<string[]> => (await database.query<{ fact: string }>(sql)).map(({ fact }) => fact);
  const identities = `select pg_catalog.concat('replica identity of ', c.oid::regclass, ' ', c.relreplident) as fact from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and ${OURS} order by 1`;
  return [
    ...(await facts(source, identities)),
    ...(await facts(source, "select 'slot ' || slot_name as fact from pg_replication_slots where database = current_database()")),
    ...(source.server.major >= 10 ? await facts(source, "select 'publication ' || pubname as fact from pg_publication order by 1") : []),
    ...(await facts(target, "select 'schema ' || nspname as fact from pg_namespace where nspname = 'godwit'")),
  ];
}
