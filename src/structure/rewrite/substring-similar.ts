import { argumentsFrom } from "./arguments.ts";
import { type Rule, targetBelow } from "./rule.ts";

const CALL = "SUBSTRING(";

/** https://www.postgresql.org/docs/14/functions-matching.html#FUNCTIONS-SIMILARTO-REGEXP: both spellings mean the same, the first came in 14. */
export const substringSimilar: Rule = {
  id: "substring-similar",
  about: "`SUBSTRING(… SIMILAR … ESCAPE …)`, as sources since 14 write `SUBSTRING(… FROM … FOR …)` of texts, is written in the old way for older targets.",
  appliesTo: (context) => targetBelow(context, 14),
  concerns: ({ sql }) => sql.includes(CALL) && sql.includes(" SIMILAR "),
  rewrite: ({ sql, masked }) => {
    const words: { readonly at: number; readonly from: string; readonly to: string }[] = [];
    for (let at = masked.indexOf(CALL); at >= 0; at = masked.indexOf(CALL, at + 1)) {
      const open = at + CALL.length;
      const own = withoutNested(masked.slice(open, argumentsFrom(masked, open).close));
      const similar = own.indexOf(" SIMILAR ");
      const escape = own.indexOf(" ESCAPE ", similar);
      if (similar >= 0 && escape >= 0) words.push({ at: open + similar, from: " SIMILAR ", to: " FROM " }, { at: open + escape, from: " ESCAPE ", to: " FOR " });
    }
    let result = sql;
    for (const { at, from, to } of words.toSorted((a, b) => b.at - a.at)) result = result.slice(0, at) + to + result.slice(at + from.length);
    return { sql: result };
  },
};

/** The text with everything inside of parentheses and brackets made blank, in the same length: its own words are left. */
function withoutNested(masked: string): string {
  let depth = 0;
  let result = "";
  for (const character of masked) {
    if (character === ")" || character === "]") depth--;
    result += depth > 0 ? "_".repeat(character.length) : character;
    if (character === "(" || character === "[") depth++;
  }
  return result;
}
