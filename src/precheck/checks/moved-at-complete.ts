import { displayName } from "../../catalog/catalog.ts";
import { followedTables } from "../../source/followed-tables.ts";
import { type Check, type CheckItem, found, listed, passed, readableBytes } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope, movesLargeObjects } from "../scope.ts";

/** Both servers read so much of large objects, or move it, within seconds; more is a pause that somebody has to plan. */
const MOST_BYTES = 1024 ** 3;

/** What no stream tells is brought into line while nobody may write: that takes as long as it is large. */
export const movedAtComplete: Check = checkAbove(MOST_BYTES);

/** The check with another limit, for tests. */
export function checkAbove(mostBytes: number): Check {
  const check: Check = {
    id: "moved-at-complete",
    title: "What is moved again while writes pause is small",
    about:
      "For full+incremental. Alarm: unlogged tables and large objects of more than 1 GB together. Changes to them are in no stream (unlogged tables write no WAL, large objects are a system catalog), so at Complete, while writes pause, these tables are copied again, and large objects are compared, which reads all of them on both servers; where an account may not read pg_largeobject, all of them are copied again. Tells their number and size.",
    appliesTo: ({ options }) => options.type === "full+incremental",
    run: async (context) => await Promise.all(context.databases.map(async (database) => await judge(database, context, check, mostBytes))),
  };
  return check;
}

/** https://www.postgresql.org/docs/current/logical-replication-restrictions.html, https://www.postgresql.org/docs/current/sql-createtable.html (UNLOGGED) */
async function judge(database: DatabaseToCheck, { options, target: server }: CheckContext, check: Check, mostBytes: number): Promise<CheckItem> {
  const { plan, target = server } = database;
  const scope = databaseScope(plan);
  const { unlogged } = followedTables(plan.catalog, plan.selection.isSelected);
  const objects = movesLargeObjects(plan, options) ? plan.catalog.largeObjects.count : 0;
  const size = objects === 0 ? undefined : await readSize(database);
  const mayCompare = size?.may === true && (await mayReadPages(target));
  const evidence = [
    ...(size === undefined
      ? []
      : [`${objects} large objects, ${readableBytes(size.bytes)}: ${mayCompare ? "compared" : "all copied again, as an account may not read pg_largeobject"}`]),
    ...listed(unlogged.map((table) => `unlogged table ${displayName(table)}, ${readableBytes(table.bytes)}: copied again`)),
  ];
  const bytes = unlogged.reduce((sum, table) => sum + table.bytes, size?.bytes ?? 0);
  if (bytes <= mostBytes) return passed(check, scope, evidence);
  const account = size !== undefined && !mayCompare ? " Large objects are only compared, and not copied, where both accounts may read pg_largeobject (superusers may)." : "";
  return found(check, scope, "alarm", {
    evidence,
    why: `The stream brings no changes of these: ${readableBytes(bytes)} are read or copied again at Complete, and so long the applications wait.`,
    fix: `Make large unlogged tables logged at the source before (alter table … set logged), take away large objects that nothing refers to any more (vacuumlo), or plan the pause and accept the alarm.${account}`,
  });
}

/** The catalog's size is known to every account; what is in it is not. */
async function readSize({ source }: DatabaseToCheck): Promise<{ readonly bytes: number; readonly may: boolean } | undefined> {
  const [row] = await source.query<{ bytes: string }>("select pg_catalog.pg_table_size('pg_catalog.pg_largeobject') as bytes");
  return { bytes: Number(row?.bytes ?? 0), may: await mayReadPages(source) };
}

async function mayReadPages(session: DatabaseToCheck["source"]): Promise<boolean> {
  const [row] = await session.query<{ may: boolean }>("select pg_catalog.has_table_privilege('pg_catalog.pg_largeobject', 'select') as may");
  return row?.may === true;
}
