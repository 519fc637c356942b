import { movesData } from "../../plan/migration-type.ts";
import { quoteIdentifier, quoteQualified } from "../../wire/quote.ts";
import { BodyReading, type Unfound } from "../body-reading.ts";
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
    "Alarm: an index, a CHECK constraint (also that of a domain), a generated column, a partition key or a range type of a table that moves calls a function in SQL or PL/pgSQL, itself or by another function, an operator or an operator class, whose body names a function, relation, type (also that of a variable), operator, collation or text search configuration of the database without its schema, and no search_path is set for it. It is told from the text of the bodies: names in strings are not seen (dynamic SQL), but for the configuration that is named to to_tsvector and the like, and a variable or common table expression of the same name is taken for what it looks like. Not looked at: what materialized views call; one that cannot be filled is told at the end.",
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
