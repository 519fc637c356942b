import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/current/ddl-priv.html */
export const privileges: Rule = {
  id: "privileges",
  about:
    "The privilege `MAINTAIN` (17) by name, and default privileges on large objects (18), are impossible on older targets. `GRANT ALL` stays: it means all that the target has.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["ACL", "DEFAULT ACL"]),
  concerns: ({ sql }) => sql.includes("MAINTAIN") || sql.includes("LARGE OBJECTS"),
  rewrite: ({ entry, masked }, { context }) => {
    if (targetBelow(context, 17) && /\b(?:GRANT|REVOKE)\b[^;]*\bMAINTAIN\b[^;]* ON /.test(masked)) return addedIn(17, "privilege MAINTAIN");
    return entry.type === "DEFAULT ACL" && / ON LARGE OBJECTS /.test(masked) ? addedIn(18, "default privileges on large objects") : undefined;
  },
};
