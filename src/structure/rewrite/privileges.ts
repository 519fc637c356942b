import { type Rule, addedIn, crossesUp, targetBelow } from "./rule.ts";

/** What pg_dump writes for an owner without any privilege on an own table, or on tables to come, of a source older than 17. */
const ALL_BEFORE_17 = "SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE";
const REVOKES_ALL = new RegExp(String.raw`^(ALTER DEFAULT PRIVILEGES FOR ROLE .* )?REVOKE ${ALL_BEFORE_17} ON (TABLES? )`, "gm");

/** https://www.postgresql.org/docs/current/ddl-priv.html */
export const privileges: Rule = {
  id: "privileges",
  about:
    "The privilege `MAINTAIN` (17) by name, and default privileges on large objects (18), are impossible on older targets. `GRANT ALL` stays: it means all that the target has. " +
    "Upwards over 17, `REVOKE` of all the privileges that there were becomes `REVOKE ALL`, for tables and for default privileges.",
  appliesTo: (context) => targetBelow(context, 18) || crossesUp(context, 17),
  types: new Set(["ACL", "DEFAULT ACL"]),
  concerns: ({ sql }) => sql.includes("MAINTAIN") || sql.includes("LARGE OBJECTS") || sql.includes(`REVOKE ${ALL_BEFORE_17} ON `),
  rewrite: ({ entry, sql, masked }, { context }) => {
    if (crossesUp(context, 17)) return { sql: sql.replaceAll(REVOKES_ALL, "$1REVOKE ALL ON $2") };
    if (targetBelow(context, 17) && /\b(?:GRANT|REVOKE)\b[^;]*\bMAINTAIN\b[^;]* ON /.test(masked)) return addedIn(17, "privilege MAINTAIN");
    return entry.type === "DEFAULT ACL" && / ON LARGE OBJECTS /.test(masked) ? addedIn(18, "default privileges on large objects") : undefined;
  },
};
