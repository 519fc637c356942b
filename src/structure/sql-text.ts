/**
 * Lexing of the SQL that pg_dump writes, just enough to know what stands inside quotes: strings, quoted identifiers,
 * dollar quotes, line comments (https://www.postgresql.org/docs/current/sql-syntax-lexical.html). Plain character classes
 * only: they do not backtrack, whatever the length of a body.
 */
const QUOTED = String.raw`(?<![\w\u0080-\uffff])[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'|'[^']*'|"[^"]*"|(?<![\w\u0080-\uffff$])\$(?<tag>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$[\s\S]*?\$\k<tag>\$`;

/** Matches, one after the other, everything quoted (to be passed over) and whatever `alternatives` adds, outside of quotes. */
export function outsideQuotes(alternatives: string): RegExp {
  return new RegExp(`${QUOTED}|${alternatives}`, "gm");
}

const PIECES = outsideQuotes(String.raw`--[^\n]*|(?<!\w)(?<word>BEGIN\s+ATOMIC|CASE|END)(?!\w)|(?<stop>;)`);

/**
 * Splits a text into its statements, without the closing semicolons; comments between statements fall away.
 * Semicolons inside quotes and inside `BEGIN ATOMIC … END` bodies do not end a statement.
 */
export function splitStatements(sql: string): string[] {
  const statements: string[] = [];
  let from = 0;
  let depth = 0;
  const push = (to: number): void => {
    const text = stripLeadingComments(sql.slice(from, to)).trim();
    if (text !== "") statements.push(text);
    from = to + 1;
  };
  for (const match of sql.matchAll(PIECES)) {
    const word = match.groups?.["word"]?.toUpperCase();
    if (word !== undefined) {
      if (word.startsWith("BEGIN")) depth++;
      else if (depth > 0) depth += word === "CASE" ? 1 : -1;
    } else if (match.groups?.["stop"] !== undefined && depth === 0) push(match.index);
  }
  push(sql.length);
  return statements;
}

function stripLeadingComments(text: string): string {
  return text.replace(/^(?:\s*--[^\n]*(?:\n|$))+/, "");
}
