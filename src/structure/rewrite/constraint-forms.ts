import { type Rule, addedIn, targetBelow } from "./rule.ts";

/** Keywords are upper case in deparsed text, and names that are not quoted never are. */
const FORMS: readonly { readonly since: number; readonly pattern: RegExp; readonly feature: string }[] = [
  { since: 15, pattern: /\bNULLS NOT DISTINCT\b/, feature: "unique constraints and indexes with NULLS NOT DISTINCT" },
  { since: 15, pattern: / ON DELETE SET (?:NULL|DEFAULT) \(/, feature: "foreign keys with ON DELETE SET … of single columns" },
  { since: 18, pattern: / WITHOUT OVERLAPS\)/, feature: "keys WITHOUT OVERLAPS" },
  { since: 18, pattern: /, PERIOD /, feature: "foreign keys over a PERIOD" },
  { since: 18, pattern: / NOT ENFORCED\b/, feature: "constraints that are NOT ENFORCED" },
];
const HINT = /NULLS NOT DISTINCT|ON DELETE SET \w+ \(|WITHOUT OVERLAPS|, PERIOD |NOT ENFORCED/;

/** https://www.postgresql.org/docs/current/sql-createtable.html */
export const constraintForms: Rule = {
  id: "constraint-forms",
  about: "`NULLS NOT DISTINCT` and `ON DELETE SET NULL (columns)` (15), `WITHOUT OVERLAPS`, `PERIOD` and `NOT ENFORCED` (18) are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 18),
  types: new Set(["CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "INDEX", "TABLE", "FOREIGN TABLE"]),
  concerns: ({ sql }) => HINT.test(sql),
  rewrite: ({ masked }, { context }) => {
    const form = FORMS.find(({ since, pattern }) => targetBelow(context, since) && pattern.test(masked));
    return form && addedIn(form.since, form.feature);
  },
};
