import type { DatabasePlan } from "../../plan/database-plan.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

/** Tablespaces are directories of a machine: they do not move. What lies in one is placed by --tablespace-map, else in the default. */
export const tablespaces: Check = {
  id: "tablespaces",
  title: "Tablespaces have a place on the target",
  about: "Failed: --tablespace-map names a tablespace that does not exist or may not be used. Alarm: what lies in tablespaces that are not mapped goes to the default one.",
  run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context))),
};

async function judge({ plan }: DatabaseToCheck, { target, options, newDatabases }: CheckContext): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const uses = usedTablespaces(plan, newDatabases);
  const mapped = [...uses.keys()].filter((name) => Object.hasOwn(options.tablespaceMap, name));
  const wanted = [...new Set(mapped.map((name) => options.tablespaceMap[name] ?? ""))];
  const rows = await target.query<{ name: string; may: boolean }>(
    "select t.spcname as name, pg_catalog.has_tablespace_privilege(t.oid, 'create') as may from pg_catalog.pg_tablespace t where t.spcname = any($1::pg_catalog.text[])",
    [wanted],
  );
  const there = new Map(rows.map(({ name, may }) => [name, may]));
  const unusable = wanted
    .filter((name) => there.get(name) !== true)
    .map((name) => (there.has(name) ? `no CREATE on tablespace ${name} of the target` : `no tablespace ${name} on the target`));
  if (unusable.length > 0) {
    return found(tablespaces, scope, "failed", {
      evidence: listed(unusable),
      why: "The tablespaces that --tablespace-map names cannot be used.",
      fix: "Create them on the target and grant CREATE on them, or name others.",
    });
  }
  const unmapped = [...uses].filter(([name]) => !mapped.includes(name));
  if (unmapped.length > 0) {
    return found(tablespaces, scope, "alarm", {
      evidence: listed(unmapped.map(([name, count]) => `tablespace ${name}: ${count} ${count === 1 ? "object" : "objects"}`)),
      why: "What lies in these tablespaces goes to the target's default tablespace.",
      fix: `Map them to tablespaces of the target, as ${unmapped
        .slice(0, 5)
        .map(([name]) => `--tablespace-map ${name}=NAME`)
        .join(" ")}, or accept the alarm.`,
    });
  }
  return passed(
    tablespaces,
    scope,
    mapped.map((name) => `${name} → ${options.tablespaceMap[name]}`),
  );
}

/** Tablespace of the source → how many objects ask for it; the database itself counts when it is created. */
function usedTablespaces(plan: DatabasePlan, newDatabases: CheckContext["newDatabases"]): Map<string, number> {
  const uses = new Map(plan.tablespaces);
  const definition = newDatabases.find(({ name }) => name === plan.target.database);
  if (definition !== undefined && definition.tablespace !== "pg_default") uses.set(definition.tablespace, (uses.get(definition.tablespace) ?? 0) + 1);
  return uses;
}
