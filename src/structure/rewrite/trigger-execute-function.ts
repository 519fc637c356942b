import { type Rule, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/11/release-11.html: EXECUTE FUNCTION is another way to write EXECUTE PROCEDURE since 11. */
export const triggerExecuteFunction: Rule = {
  id: "trigger-execute-function",
  about: "`EXECUTE FUNCTION` of triggers and event triggers is written `EXECUTE PROCEDURE` for targets older than 11.",
  appliesTo: (context) => targetBelow(context, 11),
  types: new Set(["TRIGGER", "EVENT TRIGGER"]),
  concerns: (entry) => entry.sql.includes("EXECUTE FUNCTION"),
  rewrite: (text) => ({ sql: text.replaceOutside(/\bEXECUTE FUNCTION\b/g, () => "EXECUTE PROCEDURE") }),
};
