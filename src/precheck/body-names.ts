/** A name in the text of a function's body; `schema` where it stands before it. */
export interface BodyName {
  readonly kind: "function" | "relation" | "type" | "operator" | "collation" | "configuration";
  readonly schema: string | undefined;
  readonly name: string;
}

/** https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
const TOKEN =
  /(?<skip>--[^\n]*|\/\*[\s\S]*?\*\/|\s+)|(?<string>[eE]'(?:[^'\\]|''|\\[\s\S])*'|[bBnNxX]?'(?:[^']|'')*'|\$(?<tag>[A-Za-z_]\w*|)\$[\s\S]*?\$\k<tag>\$)|"(?<quoted>(?:[^"]|"")+)"|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<operator>[+\-*/<>=~!@#%^&|`?]+)|(?<other>::|\$\d+|\d[\w.]*|[\s\S])/gu;
/** What a relation's name stands behind, besides FROM. */
const BEFORE_RELATION = wordSet("join into update table only using");
/** What ends a list of relations. */
const AFTER_RELATIONS = wordSet("select where group having window order limit offset fetch for union intersect except returning set loop into then");
/** What an expression stands behind, besides operators and brackets. */
const BEFORE_EXPRESSION = wordSet(
  "select distinct all by from where on having when then else case and or not in between symmetric like ilike to limit offset default return next perform if elsif elseif while until using",
);
/** What a string stands behind and is no type. */
const BEFORE_STRING = wordSet("raise execute sqlstate document content key version");
/** Names of types in the grammar, under which none is looked for. */
const BUILT_IN = wordSet("bigint boolean character dec decimal double float int integer national nchar real smallint");
/** What else stands where a variable's type does. */
const NO_VARIABLE = wordSet("alias constant cursor no scroll");
/** Their first argument may be a text search configuration. */
const TEXT_SEARCH = /^(?:(?:jsonb?_)?to_tsvector|(?:|plain|phrase|websearch_)to_tsquery|ts_headline)$/;

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(" "));
}

interface Token {
  readonly text: string;
  readonly kind: "word" | "operator" | "string" | "other";
  /** It is no keyword. */
  readonly isQuoted: boolean;
}

/**
 * What the text of a function in SQL or PL/pgSQL names, as far as its form tells: what is called, read from or written to, cast to, declared, collated by, searched with, and operators. Not
 * seen: what stands in other strings (dynamic SQL). A name that is that of a variable, or of a common table expression, is taken for what it looks like.
 */
export function namesInBody(body: string): BodyName[] {
  const tokens = tokensOf(body);
  const names = new Map<string, BodyName>();
  const add = (kind: BodyName["kind"], [name, schema]: readonly string[]): void => {
    if (name !== undefined) names.set(JSON.stringify([kind, schema, name]), { kind, schema, name });
  };
  const keyword = (at: number): string => (tokens[at]?.isQuoted === false ? tokens[at].text : "");
  /** Of each open bracket: whether a list of relations has begun. */
  let lists = [false];
  let isDeclaring = false;
  const isVariable = (at: number): boolean => isDeclaring && keyword(at) !== "declare" && ["declare", ";"].includes(keyword(at - 1));
  let end = 0;
  for (let at = 0; at < tokens.length; at = end) {
    const token = tokens[at]!;
    end = at + 1;
    if (token.kind === "operator") add("operator", [token.text]);
    if (["(", "["].includes(keyword(at))) lists.push(false);
    if ([")", "]"].includes(keyword(at))) lists.pop();
    if (keyword(at) === ";") lists = [false];
    if (token.kind !== "word") continue;
    /** The name and what stands before it, from the back. */
    const words = [token.text];
    for (; tokens[end]?.text === "." && tokens[end + 1]?.kind === "word"; end += 2) words.unshift(tokens[end + 1]!.text);
    const before = keyword(at - 1);
    const after = tokens[end]?.text;
    const word = words.length === 1 ? keyword(at) : "";
    if (word === "declare" || word === "begin") isDeclaring = word === "declare";
    if (word === "from") lists[lists.length - 1] = before !== "distinct";
    if (AFTER_RELATIONS.has(word)) lists[lists.length - 1] = false;

    const isDeclared = (isVariable(at - 1) || (before === "constant" && isVariable(at - 2))) && !NO_VARIABLE.has(word);
    const isCast = before === "::" || (before === "as" && (after === ")" || after === "["));
    const isExpression = tokens[at - 1]?.kind === "operator" || ["(", "[", ","].includes(before) || BEFORE_EXPRESSION.has(before);
    const isTyped = tokens[end]?.kind === "string" && isExpression && !BEFORE_EXPRESSION.has(word) && !BEFORE_STRING.has(word);
    const isListed = (before === "from" || before === ",") && lists.at(-1) === true;
    const suffix = after === "%" ? keyword(end + 1) : "";
    if (before === "collate") add("collation", words);
    else if (isDeclared && suffix === "type") {
      if (words.length > 1) add("relation", words.slice(1));
    } else if (suffix === "rowtype") add("relation", words);
    else if (isDeclared || isCast || isTyped) {
      if (!BUILT_IN.has(word)) add("type", words);
    } else if (after === "(" && before !== "into") {
      add("function", words);
      const [first, next] = tokens.slice(end + 1, end + 3);
      if (TEXT_SEARCH.test(words[0]!) && first?.kind === "string" && (next?.text === "," || next?.text === "::")) add("configuration", nameInString(first.text));
    } else if (isListed || BEFORE_RELATION.has(before)) add("relation", words);
  }
  return [...names.values()];
}

function tokensOf(body: string): Token[] {
  const tokens: Token[] = [];
  for (const { groups } of body.matchAll(TOKEN)) {
    const { skip, string, quoted, word, operator, other } = groups!;
    if (skip !== undefined) continue;
    if (string !== undefined) tokens.push({ text: string, kind: "string", isQuoted: true });
    else if (quoted !== undefined) tokens.push({ text: quoted.replaceAll('""', '"'), kind: "word", isQuoted: true });
    else if (word !== undefined) tokens.push({ text: word.toLowerCase(), kind: "word", isQuoted: false });
    else if (operator !== undefined) tokens.push({ text: operator, kind: "operator", isQuoted: false });
    else tokens.push({ text: other!, kind: "other", isQuoted: false });
  }
  return tokens;
}

/** 'schema.name', from the back. */
function nameInString(text: string): string[] {
  const words = tokensOf(text.slice(1, -1)).filter(({ kind }) => kind === "word");
  return words.map((word) => word.text).toReversed();
}
