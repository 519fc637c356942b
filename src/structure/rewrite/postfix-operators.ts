import { type Rule, crossesUp } from "./rule.ts";

const WHY = "PostgreSQL 14 removed postfix operators: https://www.postgresql.org/docs/14/release-14.html. Use a function, or a prefix operator.";
const HINT = /OPERATOR\([^()]*\)\)|[-+*/<>=~!@#%^&|`?]\)/;
const EXPRESSIONS = new Set(["VIEW", "MATERIALIZED VIEW", "RULE", "TABLE", "INDEX", "CONSTRAINT", "CHECK CONSTRAINT", "DEFAULT", "POLICY", "TRIGGER", "DOMAIN"]);

export const postfixOperators: Rule = {
  id: "postfix-operators",
  about: "Postfix operators (removed in 14), and expressions that use one (`5 !`), are impossible on newer targets.",
  appliesTo: (context) => crossesUp(context, 14),
  concerns: ({ type, sql }) => (type === "OPERATOR" ? !sql.includes("RIGHTARG") : EXPRESSIONS.has(type) && HINT.test(sql)),
  rewrite: (text) => {
    const found = { impossible: { feature: "postfix operators", since: 14, why: WHY } };
    if (text.entry.type === "OPERATOR") return /\bRIGHTARG = /.test(text.masked) ? undefined : found;
    // Deparsed expressions put parentheses around every operator, so that a postfix one stands before a closing one; count(*) does too.
    const masked = text.masked.replaceAll("(*)", "");
    return HINT.test(masked) && text.statements === undefined ? found : undefined;
  },
};
