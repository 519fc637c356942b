import { type Rule, addedIn, targetBelow } from "./rule.ts";
import { keyOf } from "./scope.ts";

/** https://www.postgresql.org/docs/11/release-11.html: domains over composite types, arrays over domains. */
export const domainForms: Rule = {
  id: "domain-forms",
  about: "Domains over composite types and arrays over domains (both 11) are impossible on older targets.",
  appliesTo: (context) => targetBelow(context, 11),
  concerns: ({ type, sql }, { domains }) => type === "DOMAIN" || (domains.size > 0 && sql.includes("[]")),
  rewrite: (text, { domains, composites }) => {
    const types = text.typeNames().map(({ parts, isArray }) => ({ key: keyOf(parts[0] ?? "", parts[1] ?? ""), isArray }));
    // The first type in CREATE DOMAIN is the base type; those behind it stand in checks.
    if (text.entry.type === "DOMAIN" && composites.has(types[0]?.key ?? "")) return addedIn(11, "domains over composite types");
    return types.some(({ key, isArray }) => isArray && domains.has(key)) ? addedIn(11, "arrays over domains") : undefined;
  },
};
