import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** https://www.postgresql.org/docs/16/functions-xml.html */
export const xmlserializeIndent: Rule = {
  id: "xmlserialize-indent",
  about: "`XMLSERIALIZE(… NO INDENT)` (16), which newer sources write always, is left out for older targets; `INDENT` is impossible there.",
  appliesTo: (context) => targetBelow(context, 16),
  concerns: ({ sql }) => sql.includes(" INDENT)"),
  rewrite: (text) => {
    const sql = text.replaceOutside(/ NO INDENT\)/g, () => ")");
    return / INDENT\)/.test(text.masked.replaceAll(" NO INDENT)", ")")) ? addedIn(16, "XMLSERIALIZE with INDENT") : { sql };
  },
};
