import { type EntryText, builtinName, nameOf, nodesIn } from "./entry-text.ts";
import { type Rule, addedIn, targetBelow } from "./rule.ts";

interface Form {
  readonly since: number;
  readonly feature: string;
  /** What the deparsed text holds when the form is in it: upper-case keywords, outside of quotes. */
  readonly hint: RegExp;
  /** Asked when the hint is not proof. */
  readonly proof?: (text: EntryText) => boolean;
}

/** https://www.postgresql.org/docs/release/ (Queries, in each major's notes) */
const FORMS: readonly Form[] = [
  {
    since: 11,
    feature: "window frames with GROUPS, EXCLUDE or RANGE offsets",
    hint: /\bGROUPS BETWEEN |\bEXCLUDE (?:CURRENT ROW|GROUP|TIES)|\bRANGE BETWEEN (?!UNBOUNDED PRECEDING|CURRENT ROW)|\bRANGE BETWEEN [^)]*AND (?!UNBOUNDED|CURRENT)\S+ (?:PRECEDING|FOLLOWING)/,
  },
  { since: 13, feature: "FETCH … WITH TIES", hint: / WITH TIES\b/ },
  { since: 13, feature: "IS NORMALIZED", hint: /\bIS (?:NOT )?(?:NF\w+ )?NORMALIZED\b/ },
  { since: 14, feature: "SEARCH and CYCLE of recursive queries", hint: / SEARCH (?:DEPTH|BREADTH) FIRST BY | CYCLE [^()]+ SET / },
  { since: 14, feature: "GROUP BY DISTINCT", hint: /\bGROUP BY DISTINCT / },
  { since: 14, feature: "aliases of joins", hint: / USING \([^()]*\) AS / },
  { since: 14, feature: "subscripts of jsonb", hint: /\['[^']*'::text\]/, proof: subscriptsByText },
  { since: 15, feature: "MERGE", hint: /\bMERGE INTO / },
  { since: 16, feature: "SQL/JSON constructors and predicates", hint: /\bIS (?:NOT )?JSON\b|\bJSON_(?:OBJECT|ARRAY|OBJECTAGG|ARRAYAGG)\(/ },
  { since: 16, feature: "SYSTEM_USER", hint: /\bSYSTEM_USER\b/ },
  { since: 17, feature: "SQL/JSON query functions and JSON_TABLE", hint: /\bJSON_(?:TABLE|QUERY|VALUE|EXISTS|SCALAR|SERIALIZE)\(|\bJSON\(/ },
  { since: 17, feature: "AT LOCAL", hint: / AT LOCAL\)/ },
  { since: 17, feature: "MERGE … WHEN NOT MATCHED BY SOURCE", hint: /\bWHEN NOT MATCHED BY SOURCE\b/ },
  { since: 17, feature: "MERGE … RETURNING", hint: /\bMERGE INTO [^;]*\bRETURNING\b/ },
  { since: 18, feature: "OLD and NEW in RETURNING", hint: /\bRETURNING WITH \(/ },
  { since: 18, feature: "OLD and NEW in RETURNING", hint: /\bRETURNING [^;]*\b(?:old|new)\b/, proof: returnsOldOrNew },
];
const ANY_HINT = new RegExp(FORMS.map(({ hint }) => hint.source).join("|"));
const NO_EXPRESSIONS = new Set(["COMMENT", "ACL", "DEFAULT ACL", "SECURITY LABEL", "PUBLICATION"]);

export const querySyntax: Rule = {
  id: "query-syntax",
  about:
    "Views, rules, expressions and SQL-standard bodies with newer syntax are impossible on older targets: window frames with GROUPS or EXCLUDE (11), WITH TIES, IS NORMALIZED (13), " +
    "SEARCH and CYCLE, GROUP BY DISTINCT, join aliases, jsonb subscripts (14), MERGE (15), SQL/JSON constructors, IS JSON, SYSTEM_USER (16), JSON_TABLE & co., AT LOCAL, MERGE with NOT MATCHED BY SOURCE or RETURNING (17), OLD and NEW in RETURNING (18).",
  appliesTo: (context) => targetBelow(context, 18),
  concerns: ({ type, sql }) => !NO_EXPRESSIONS.has(type) && ANY_HINT.test(sql),
  rewrite: (text, { context }) => {
    const form = FORMS.find(
      ({ since, hint, proof }) => targetBelow(context, since) && hint.test(proof === undefined ? text.masked : text.sql) && (proof === undefined || proof(text)),
    );
    return form && addedIn(form.since, form.feature);
  },
};

/** Arrays have numbers for subscripts; only jsonb (and own types, see rule subscripting) takes text. */
function subscriptsByText(text: EntryText): boolean {
  return text.nodes("A_Indices").some((indices) => {
    const cast = (indices["uidx"] as { TypeCast?: { typeName?: { names?: unknown } } } | undefined)?.TypeCast;
    return builtinName(cast?.typeName?.names) === "text";
  });
}

/**
 * A reference to old or new in a RETURNING list, where nothing else has that name: in a rule they are the rule's own rows, as in every version.
 * https://www.postgresql.org/docs/18/dml-returning.html
 */
function returnsOldOrNew(text: EntryText): boolean {
  const event = text.entry.type === "RULE" ? /^ {4}ON (INSERT|UPDATE|DELETE) TO /m.exec(text.masked)?.[1] : undefined;
  const ofRule = event === undefined ? [] : event === "INSERT" ? ["new"] : event === "DELETE" ? ["old"] : ["old", "new"];
  return text.nodes("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt").some((statement) => {
    const taken = new Set<unknown>([...ofRule, ...nodesIn(statement, "alias").map((alias) => alias["aliasname"])]);
    for (const range of nodesIn(statement, "RangeVar", "relation")) if (range["alias"] === undefined) taken.add(range["relname"]);
    return nodesIn(statement["returningClause"], "ColumnRef").some((reference) => {
      const [first, ...more] = nameOf(reference["fields"]);
      return more.length > 0 && (first === "old" || first === "new") && !taken.has(first);
    });
  });
}
