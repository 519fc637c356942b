import { LEDGER_SCHEMA, ledgerOwner, sessionName } from "../../copy/ledger.ts";
import { type ExistingObjects, allObjects, extensionObjectsOfPlan, indexesOfPlan, objectsOfPlan, schemalessOfPlan } from "../../structure/existing-objects.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import type { Session } from "../../wire/session.ts";
import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { CheckContext, DatabaseToCheck } from "../context.ts";
import { databaseScope, movesWholeDatabase } from "../scope.ts";

/** Nothing on the target is replaced or mixed with: a whole database needs an empty one, picked objects need their names free. */
export const structureConflict: Check = {
  id: "structure-conflict",
  title: "Nothing is in the way on the target",
  about:
    "Failed: the target database is not empty (a whole database moves), or an extension on it holds names that move, or what belongs to no schema has names that move (foreign data wrappers, servers, casts, languages, event triggers, publications), objects of the selected names exist (some objects move), or an earlier migration left its ledger, the schema `godwit`, or the source has a schema of that name. Alarm: default privileges of the account on the target, which would widen or narrow the rights of what is created.",
  appliesTo: ({ databases }) => databases.some(({ target }) => target !== undefined),
  run: async (context) => (await Promise.all(context.databases.map(async (database) => await judge(database, context)))).flat(),
};

async function judge({ plan, target, isBegun }: DatabaseToCheck, { options }: CheckContext): Promise<CheckItem[]> {
  if (target === undefined) return [];
  const scope = databaseScope(plan);
  const database = plan.target.database;
  if (isBegun) return [passed(structureConflict, scope, [`what an earlier run of this task created in database ${database} is gone on with`])];
  const owner = await ledgerOwner(target);
  if (owner === "") {
    return [
      found(structureConflict, scope, "failed", {
        evidence: [`schema ${LEDGER_SCHEMA} in database ${database}, of a task that the account ${target.endpoint.user} cannot see`],
        why: "Another migration into this database is at work, or an earlier one was not finished.",
        fix: "Ask whoever migrates with another account. When nobody does: let a superuser drop the schema, and empty the database; or choose another target database.",
      }),
    ];
  }
  if (owner !== undefined) {
    const evidence = [`schema ${LEDGER_SCHEMA} in database ${database}, of task ${owner}`];
    const finding = (await isAtWork(target, owner))
      ? {
          evidence,
          why: "Another migration into this database is at work at this moment.",
          fix: `Wait for its end, or give it up (godwit task terminate ${owner}) and empty the database; or choose another target database.`,
        }
      : {
          evidence,
          why: "An earlier migration into this database was not finished. What it created is still there.",
          // No SQL: the ledger holds how far a paused task has come, and the tables would still be in the way without it.
          fix: `Go on with it; or give it up (godwit task terminate ${owner}, which removes its slot and this schema) and empty the database of what it created. Where no task of this name is known any more: empty the database, or drop it and create it again.`,
        };
    return [found(structureConflict, scope, "failed", finding)];
  }
  if (plan.entries.some(({ type, name }) => type === "SCHEMA" && name === LEDGER_SCHEMA)) {
    return [
      found(structureConflict, scope, "failed", {
        evidence: [`schema ${LEDGER_SCHEMA} of the source`],
        why: `While it works, Godwit keeps its own notes in a schema of this name on the target.`,
        fix: `Rename the schema at the source, or leave it out: --exclude schema=${LEDGER_SCHEMA}.`,
      }),
    ];
  }
  const whole = movesWholeDatabase(options);
  const { names, total } = whole ? await allObjects(target) : await selectedObjects(target, plan);
  if (whole && total === 0) {
    const members = await extensionObjectsOfPlan(target, plan);
    if (members.total > 0) {
      return [
        found(structureConflict, scope, "failed", {
          evidence: listed(members.names, members.total),
          why: `An extension of the target database ${database} holds these names; the source has objects of its own under them.`,
          fix: "Drop the extension on the target where nobody needs it there (the migration creates those of the source), put it into another schema (ALTER EXTENSION … SET SCHEMA …), or rename the objects at the source.",
          fixSql: `drop extension ${members.extensions.map(quoteIdentifier).join(", ")};`,
          fixOn: target.endpoint,
        }),
      ];
    }
  }
  const schemaless = total === 0 ? await schemalessOfPlan(target, plan) : [];
  if (schemaless.length > 0) {
    return [
      found(structureConflict, scope, "failed", {
        evidence: listed(schemaless),
        why: `Database ${database} has these, which belong to no schema; the source has some of the same names, which could not be created.`,
        fix: "Drop or rename them on the target, or at the source; or choose another target database.",
      }),
    ];
  }
  const defaults = options.noPrivileges ? [] : await defaultPrivileges(target, plan);
  if (total === 0 && defaults.length > 0) {
    return [
      found(structureConflict, scope, "alarm", {
        evidence: listed(defaults),
        why: `Database ${database} has default privileges: what is created there gets these rights besides those of the source.`,
        fix: "Revoke them for the time of the migration (ALTER DEFAULT PRIVILEGES … REVOKE …), or accept the alarm when they are wanted.",
      }),
    ];
  }
  if (total === 0) return [passed(structureConflict, scope, [whole ? `database ${database} is empty` : `no selected object exists in database ${database}`])];
  return [
    found(structureConflict, scope, "failed", {
      evidence: listed(names, total),
      why: whole ? `The target database ${database} is not empty: it would become a mixture of both.` : "Objects of these names exist on the target already.",
      fix: whole
        ? `Drop database ${database} on the target and create it again, or name another one in the target URI; to add objects to it, pick them with --include.`
        : "Drop or rename them on the target, choose another target database, or leave them out with --exclude.",
    }),
  ];
}

async function selectedObjects(target: Session, plan: DatabaseToCheck["plan"]): Promise<ExistingObjects> {
  const objects = await objectsOfPlan(target, plan);
  // Those of tables that are in the way are so with them.
  return objects.total > 0 ? objects : await indexesOfPlan(target, plan).then((names) => ({ names, total: names.length }));
}

/** Whether a task has sessions in this database; those of other accounts bear no name for a plain one. https://www.postgresql.org/docs/current/monitoring-stats.html */
async function isAtWork(target: Session, task: string): Promise<boolean> {
  const sessions = await target.query(
    "select from pg_catalog.pg_stat_activity a where a.datname = pg_catalog.current_database() and (a.application_name = $1 or pg_catalog.left(a.application_name, pg_catalog.length($1) + 1) = $1 || '/') limit 1",
    [sessionName(task)],
  );
  return sessions.length > 0;
}

/** Those of what our account creates (it gives objects to their owners afterwards), in every schema or in one where something is created. https://www.postgresql.org/docs/current/catalog-pg-default-acl.html */
async function defaultPrivileges(target: Session, { entries }: DatabaseToCheck["plan"]): Promise<string[]> {
  const rows = await target.query<{ role: string; schema: string | null; kind: string; acl: string }>(
    `select pg_catalog.pg_get_userbyid(d.defaclrole) as role, n.nspname as schema, d.defaclacl::pg_catalog.text as acl,
       case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end as kind
       from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
      where d.defaclrole = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)
        and (n.nspname is null or n.nspname = any($1::pg_catalog.text[])) order by 1, 2 nulls first, 4`,
    [[...new Set(entries.map(({ schema }) => schema))]],
  );
  return rows.map(({ role, schema, kind, acl }) => `${kind} that ${role} creates${schema === null ? "" : ` in schema ${schema}`}: ${acl}`);
}
