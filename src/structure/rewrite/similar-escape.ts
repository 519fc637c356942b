import { argumentsFrom } from "./arguments.ts";
import { type Rule, targetBelow } from "./rule.ts";

const CALL = "similar_to_escape(";

/** https://www.postgresql.org/docs/13/functions-matching.html#FUNCTIONS-SIMILARTO-REGEXP: a null escape means the default one in similar_escape. */
export const similarEscape: Rule = {
  id: "similar-escape",
  about: "`SIMILAR TO`, which sources since 13 write as `similar_to_escape(…)`, is written with `similar_escape(…, NULL)` for older targets.",
  appliesTo: (context) => targetBelow(context, 13),
  concerns: ({ sql }) => sql.includes(CALL),
  rewrite: ({ sql, masked }) => {
    let result = "";
    let from = 0;
    for (let at = masked.indexOf(CALL); at >= 0; at = masked.indexOf(CALL, from)) {
      const open = at + CALL.length;
      const { close, commas } = argumentsFrom(masked, open);
      result += `${sql.slice(from, at)}similar_escape(`;
      result += sql.slice(open, close) + (commas === 0 ? ", NULL::text" : "");
      from = close;
    }
    return { sql: result + sql.slice(from) };
  },
};
