import { type Rule, addedIn, targetBelow } from "./rule.ts";

const FORMS: readonly { readonly since: number; readonly pattern: RegExp; readonly feature: string }[] = [
  { since: 12, pattern: /\bdeterministic = false\b/, feature: "nondeterministic collations" },
  { since: 16, pattern: /\brules = /, feature: "collations with ICU rules" },
  { since: 17, pattern: /\bprovider = builtin\b/, feature: "collations of the builtin provider" },
];

/** https://www.postgresql.org/docs/current/sql-createcollation.html */
export const collations: Rule = {
  id: "collations",
  about: "Nondeterministic collations (12), ICU rules (16) and the builtin provider (17) are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 17),
  types: new Set(["COLLATION"]),
  concerns: () => true,
  rewrite: ({ masked }, { context }) => {
    const form = FORMS.find(({ since, pattern }) => targetBelow(context, since) && pattern.test(masked));
    return form && addedIn(form.since, form.feature);
  },
};
