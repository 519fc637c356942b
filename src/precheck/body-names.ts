/** A name in the text of a function's body; `schema` where it stands before it. */
export interface BodyName {
  readonly kind: "function" | "relation" | "type" | "operator";
  readonly schema: string | undefined;
  readonly name: string;
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const TOKEN =
  /(?<skip>--[^\n]*|\/\*[\s\S]*?\*\/|[eE]?'(?:[^']|'')*'|\$(?<tag>[A-Za-z_]\w*|)\$[\s\S]*?\$\k<tag>\$|\s+|\$\d+|\d[\w.]*)|"(?<quoted>(?:[^"]|"")+)"|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<operator>[+\-*/<>=~!@#%^&|`?]+)|(?<other>::|[\s\S])/gu;
/** What a relation's name stands behind. */
const BEFORE_RELATION: ReadonlySet<string> = new Set(["from", "join", "into", "update", "table", "only", "using"]);

interface Token {
  readonly text: string;
  readonly kind: "word" | "operator" | "other";
  /** It is no keyword. */
  readonly isQuoted: boolean;
}

/**
 * What the text of a function in SQL or PL/pgSQL names, as far as its form tells: what is called, read from or written to, cast to, and operators. Not seen: what stands in strings (dynamic SQL),
 * and types of variables. A name that is that of a variable, or of a common table expression, is taken for what it looks like.
 */
export function namesInBody(body: string): BodyName[] {
  const tokens = tokensOf(body);
  const names = new Map<string, BodyName>();
  const add = (name: BodyName): void => void names.set(JSON.stringify(name), name);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "operator") add({ kind: "operator", schema: undefined, name: token.text });
    if (token.kind !== "word") continue;
    const isQualifier = tokens[at + 1]?.text === "." && tokens[at + 2]?.kind === "word";
    if (isQualifier) continue;
    const isQualified = tokens[at - 1]?.text === "." && tokens[at - 2]?.kind === "word";
    const before = tokens[isQualified ? at - 3 : at - 1];
    const after = tokens[at + 1];
    const schema = isQualified ? tokens[at - 2]!.text : undefined;
    const precedes = before?.isQuoted === false ? before.text : "";
    if (precedes === "::" || (precedes === "as" && after?.text === ")")) add({ kind: "type", schema, name: token.text });
    else if (after?.text === "(" && precedes !== "into") add({ kind: "function", schema, name: token.text });
    else if (BEFORE_RELATION.has(precedes) || (after?.text === "%" && tokens[at + 2]?.text === "rowtype")) add({ kind: "relation", schema, name: token.text });
  }
  return [...names.values()];
}

function tokensOf(body: string): Token[] {
  const tokens: Token[] = [];
  for (const { groups } of body.matchAll(TOKEN)) {
    const { skip, quoted, word, operator, other } = groups!;
    if (skip !== undefined) continue;
    if (quoted !== undefined) tokens.push({ text: quoted.replaceAll('""', '"'), kind: "word", isQuoted: true });
    else if (word !== undefined) tokens.push({ text: word.toLowerCase(), kind: "word", isQuoted: false });
    else if (operator !== undefined) tokens.push({ text: operator, kind: "operator", isQuoted: false });
    else tokens.push({ text: other!, kind: "other", isQuoted: false });
  }
  return tokens;
}
