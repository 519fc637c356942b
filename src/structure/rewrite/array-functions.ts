import { type Rule, crossesDown, crossesUp } from "./rule.ts";

const CHANGED =
  /\b(?:SFUNC|MSFUNC|COMBINEFUNC|FINALFUNC|FUNCTION|PROCEDURE) = (?:array_append|array_prepend|array_cat|array_position|array_positions|array_remove|array_replace|width_bucket)\b/;
const UP = new Map([["anyarray", "anycompatiblearray"], ["anyelement", "anycompatible"]]); // prettier-ignore
const DOWN = new Map([...UP].map(([from, to]) => [to, from]));

/**
 * 14 changed array_append & co. from anyarray/anyelement to anycompatiblearray/anycompatible; aggregates and operators over them must
 * follow. https://www.postgresql.org/docs/14/release-14.html (Migration to Version 14)
 */
export const arrayFunctions: Rule = {
  id: "array-functions",
  about:
    "Polymorphic aggregates and operators over `array_append`, `array_cat` & co. follow the change of these functions' arguments in 14 (anyarray ↔ anycompatiblearray, anyelement ↔ anycompatible).",
  appliesTo: (context) => crossesUp(context, 14) || crossesDown(context, 14),
  concerns: ({ dumpId, dependencies, type, sql }, { polymorphicArrays }) => {
    if (type === "AGGREGATE" || type === "OPERATOR") return polymorphicArrays.has(dumpId) && sql.includes("any");
    return (type === "COMMENT" || type === "ACL") && dependencies.some((id) => polymorphicArrays.has(id));
  },
  rewrite: (text, { context }) => {
    const map = crossesUp(context, 14) ? UP : DOWN;
    return { sql: text.replaceOutside(/\bany(?:array|element|compatiblearray|compatible)\b/g, (name) => map.get(name) ?? name) };
  },
};

/** Whether an aggregate or operator is made of one of the changed functions over polymorphic types. */
export function isPolymorphicOverArrays(sql: string): boolean {
  return CHANGED.test(sql) && /\bany(?:array|element|compatible)/.test(sql);
}
