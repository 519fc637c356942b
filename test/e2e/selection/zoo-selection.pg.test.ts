import { Client } from "pg";
import { expect, it } from "vitest";
import type { Major } from "../../../src/embedded/binaries.ts";
import type { Selection } from "../../../src/plan/select-objects.ts";
import { rewriteEntries } from "../../../src/structure/rewrite/index.ts";
import { type TestDatabase, createDatabase, onServer } from "../../kit/databases.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { createZooRoles, loadSql, zooSql } from "../../zoo/zoo.ts";
import { type Patterns, selector, titleOf } from "./select-and-move.ts";

/** What belongs to the database as a whole and that no object of the zoo needs. */
const OF_DATABASE =
  /^(EVENT TRIGGER|PUBLICATION|PUBLICATION TABLE|PUBLICATION TABLES IN SCHEMA|DEFAULT ACL DEFAULT|SERVER Zoo Server|((ACL|COMMENT) )?(PUBLICATION|EVENT TRIGGER|ACCESS METHOD zoo_index_am|FOREIGN DATA WRAPPER zoo_))/;

async function zoo(major: Major): Promise<TestDatabase> {
  await onServer(major, createZooRoles);
  const source = await createDatabase(major, "template template0 encoding 'utf8'");
  const client = new Client({ connectionString: source.uri });
  await client.connect();
  await loadSql(client, zooSql(major));
  await client.end();
  return source;
}

it.each(OUTER_MAJORS)("every schema of the zoo of PostgreSQL %i is all of it, but what belongs to the database", async (major) => {
  const select = await selector(await zoo(major));
  const everything = select({}).entries.map(titleOf);
  const selection = select({ include: ["schema=*"] });
  expect(selection.missing).toEqual([]);
  expect(selection.droppedForeignKeys).toEqual([]);
  expect(selection.entries.map(titleOf)).toEqual(everything.filter((title) => !OF_DATABASE.test(title)));

  const without = select({ exclude: ["schema=zoo_empty"] });
  const left = new Set(without.entries.map(titleOf));
  expect(without.missing).toEqual([]);
  expect(everything.filter((title) => !left.has(title))).toEqual(everything.filter((title) => title.includes("zoo_empty")));
});

it.each(OUTER_MAJORS)("every single object of the zoo of PostgreSQL %i can be created with what is taken along", async (major) => {
  const source = await zoo(major);
  const select = await selector(source);
  const target = await createDatabase(major, "template template0 encoding 'utf8'");
  await target.query("set check_function_bodies = off; set xmloption = content; set client_min_messages = error; set search_path = ''");
  const objects = await source.query<{ pattern: string }>(`
    select case relkind when 'v' then 'view' when 'm' then 'materialized-view' when 'S' then 'sequence' else 'table' end || '=' || pg_catalog.format('"%s"."%s"', n.nspname, replace(relname, '"', '""')) as pattern
      from pg_class c join pg_namespace n on n.oid = relnamespace
     where nspname !~ '^pg_|^information_schema' and relkind in ('r', 'p', 'v', 'm', 'S', 'f') and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
    union all
    select 'type=' || pg_catalog.format('"%s"."%s"', nspname, typname) from pg_type t join pg_namespace n on n.oid = typnamespace left join pg_class c on c.oid = typrelid
     where nspname !~ '^pg_|^information_schema' and (typtype in ('d', 'e', 'r') or (typtype = 'c' and relkind = 'c') or (typtype = 'b' and typelem = 0)) and not exists (select from pg_depend d where d.objid = t.oid and d.deptype = 'e')`);
  expect(objects.length).toBeGreaterThan(100);
  const failures: string[] = [];
  for (const { pattern } of objects) {
    const { patterns, selection } = completed(select, pattern);
    const { entries } = await rewriteEntries(selection.entries, { sourceVersionNum: major * 10_000, targetVersionNum: major * 10_000 });
    const sql = entries.map((entry) => `${entry.settings}\n${entry.sql}`).join("\n");
    await target.query("begin");
    await target.query(sql).catch((error: unknown) => failures.push(`${patterns.join(" ")}: ${String(error)}`));
    await target.query("rollback");
    const foreign = selection.entries.filter(({ type }) => /^(EVENT TRIGGER|PUBLICATION)/.test(type));
    if (foreign.length > 0) failures.push(`${pattern}: ${foreign.map(titleOf).join(", ")}`);
  }
  expect(failures).toEqual([]);
});

/** Selects an object, and, as the precheck advises, what is said to be missing. */
function completed(select: (patterns: Patterns) => Selection, pattern: string): { patterns: string[]; selection: Selection } {
  const patterns = [pattern];
  for (;;) {
    const selection = select({ include: patterns });
    if (selection.missing.length === 0) return { patterns, selection };
    const advised = selection.missing.map(({ needs }) => needs.replace(" ", "=")).filter((advice) => !patterns.includes(advice));
    if (advised.length === 0) throw new Error(`what is missing is not what the advice selects: ${JSON.stringify(selection.missing)}`);
    patterns.push(...advised);
  }
}
