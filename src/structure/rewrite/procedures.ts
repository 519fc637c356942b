import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/current/sql-createprocedure.html */
export const procedures: Rule = {
  id: "procedures",
  about: "Procedures (11), and procedures with OUT arguments (14), are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 14),
  types: new Set(["PROCEDURE"]),
  concerns: () => true,
  rewrite: (text, { context }) => {
    if (targetBelow(context, 11)) return addedIn(11, "procedures");
    const hasOut = text.nodes("FunctionParameter").some((parameter) => parameter["mode"] === "FUNC_PARAM_OUT");
    return hasOut ? addedIn(14, "procedures with OUT arguments") : undefined;
  },
};
