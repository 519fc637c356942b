import { type Check, type CheckItem, found, listed, passed } from "../check.ts";
import type { DatabaseToCheck } from "../context.ts";
import { databaseScope } from "../scope.ts";

const TYPE = "USER MAPPING";

/** The server hides options without a word, and pg_dump writes a mapping without any. https://www.postgresql.org/docs/current/view-pg-user-mappings.html */
export const userMappings: Check = {
  id: "user-mappings",
  title: "User mappings move with their options",
  about:
    "Where user mappings of foreign servers move. Alarm: the source shows their options (user, password) neither to the account nor to pg_dump: they are those of another role, or of PUBLIC on somebody else's server. They are created without options.",
  appliesTo: ({ databases }) => databases.some(({ plan }) => plan.entries.some(({ type }) => type === TYPE)),
  run: async ({ databases }) => await Promise.all(databases.map(judge)),
};

async function judge({ plan, source }: DatabaseToCheck): Promise<CheckItem> {
  const scope = databaseScope(plan);
  const moving = new Set(plan.entries.filter(({ type }) => type === TYPE).map(({ name }) => name));
  const hidden = await source.query<{ role: string; server: string }>(
    `select m.usename::pg_catalog.text as role, m.srvname::pg_catalog.text as server
       from pg_catalog.pg_user_mappings m join pg_catalog.pg_foreign_server s on s.oid = m.srvid
      where m.umoptions is null and not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user)
        and case when m.umuser = 0 then not pg_catalog.pg_has_role(s.srvowner, 'usage')
                 else m.usename <> current_user or not (pg_catalog.pg_has_role(s.srvowner, 'usage') or pg_catalog.has_server_privilege(s.oid, 'usage')) end
      order by 2, 1`,
  );
  const losing = hidden.filter(({ role, server }) => moving.has(`${TYPE} ${role} SERVER ${server}`));
  if (losing.length === 0) return passed(userMappings, scope);
  return found(userMappings, scope, "alarm", {
    evidence: listed(losing.map(({ role, server }) => `user mapping of ${role} for server ${server}: options hidden`)),
    why: "Whether they have options, and which, is hidden from the account. On the target they have none, and foreign tables ask for a password there.",
    fix: "Read with a superuser; or set the options on the target afterwards (alter user mapping … options …), and accept the alarm.",
  });
}
