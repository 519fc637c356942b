import type { Entry } from "../entry.ts";
import { type Rule, crossesUp } from "./rule.ts";

const GIVEN = /^ALTER SCHEMA public OWNER TO ("(?:[^"]|"")*"|[^\s";]+);$/m;
const ATTEMPTED = /^DO \$body\$ BEGIN ALTER SCHEMA public OWNER TO ("(?:[^"]|"")*"|[^\s";]+); EXCEPTION/m;

/** Before 15 schema public belongs to the bootstrap superuser, for whom hardly any account on a managed target may act. https://www.postgresql.org/docs/15/release-15.html */
export const publicSchemaOwner: Rule = {
  id: "public-schema-owner",
  about:
    "Schema public of a source before 15 belongs to the superuser of its initdb. A target from 15 on gives it to that role if the account may do so; else it stays with the target's database owner, which the precheck `target-privileges` says.",
  appliesTo: (context) => crossesUp(context, 15),
  types: new Set(["SCHEMA"]),
  concerns: ({ name, sql }) => name === "public" && GIVEN.test(sql),
  rewrite: ({ sql }) => ({
    sql: sql.replace(GIVEN, "DO $$body$$ BEGIN ALTER SCHEMA public OWNER TO $1; EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL; END $$body$$;"),
  }),
};

/** The role that would get schema public where that is only attempted. */
export function publicOwnerAttempted(entry: Entry): string | undefined {
  const role = entry.type === "SCHEMA" && entry.name === "public" ? ATTEMPTED.exec(entry.sql)?.[1] : undefined;
  return role?.startsWith('"') === true ? role.slice(1, -1).replaceAll('""', '"') : role;
}
