import { majorOf } from "../../wire/session.ts";
import { type Rule, addedIn, targetBelow } from "./rule.ts";
import { keyOf } from "./scope.ts";

/** https://www.postgresql.org/docs/release/ (data types in each major's notes) */
const BUILTIN: readonly (readonly [since: number, names: readonly string[]])[] = [
  [12, ["jsonpath"]],
  [13, ["xid8", "pg_snapshot", "regcollation", "anycompatible", "anycompatiblearray", "anycompatiblenonarray", "anycompatiblerange"]],
  [14, ["int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange", "anymultirange", "anycompatiblemultirange"]],
];
const SINCE = new Map(BUILTIN.flatMap(([since, names]) => names.map((name) => [name, since] as const)));
const HINT = /jsonpath|xid8|pg_snapshot|regcollation|anycompatible|multirange/;
const NO_TYPES = new Set(["COMMENT", "ACL", "SECURITY LABEL"]);

export const newTypes: Rule = {
  id: "new-types",
  about:
    "Uses of types that the target does not have are impossible: jsonpath (12); xid8, pg_snapshot, regcollation, anycompatible… (13); multiranges, built in and those of own range types (14).",
  appliesTo: (context) => targetBelow(context, 14),
  concerns: ({ type, sql }, { multiranges }) => !NO_TYPES.has(type) && (HINT.test(sql) || [...multiranges].some((key) => sql.includes(key.slice(key.indexOf("\0") + 1)))),
  rewrite: (text, { context, multiranges }) => {
    const target = majorOf(context.targetVersionNum);
    for (const { parts } of text.typeNames()) {
      const name = parts.at(-1) ?? "";
      if (parts.length === 2 && multiranges.has(keyOf(parts[0] ?? "", name))) return addedIn(14, "multirange types");
      const since = parts.length === 1 || parts[0] === "pg_catalog" ? SINCE.get(name) : undefined;
      if (since !== undefined && since > target) return addedIn(since, name.includes("multirange") ? "multirange types" : `type ${name}`);
    }
    return undefined;
  },
};
