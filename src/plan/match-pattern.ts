/** Whether an object's name fits a pattern; `schema` is undefined for what lies in no schema. */
type Matcher = (schema: string | undefined, name: string) => boolean;

/**
 * A pattern over `schema.name`; without a dot it is matched against the name alone, in every schema. `*` and `?` stand for any
 * letters. Upper and lower case differ. As in psql, what stands in double quotes is taken as it is, `""` being one quote
 * (https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-PATTERNS): `"Odd.Schema"."100 %*"`. Dots outside of quotes may
 * belong to a name too: `sales.2024.*` finds table "2024.q1" in schema sales. What has no schema is matched as a whole.
 */
export function matcher(pattern: string): Matcher {
  const letters = parseLetters(pattern);
  const whole = toTest(letters);
  const splits = letters.flatMap(({ text, quoted }, at) => (text === "." && !quoted ? [{ schema: toTest(letters.slice(0, at)), name: toTest(letters.slice(at + 1)) }] : []));
  return (schema, name) => {
    if (schema === undefined || splits.length === 0) return whole(name);
    return splits.some((split) => split.name(name) && split.schema(schema));
  };
}

interface Letter {
  readonly text: string;
  readonly quoted: boolean;
}

/** A double quote that is never closed stands for itself. */
function parseLetters(pattern: string): Letter[] {
  const letters: Letter[] = [];
  for (const [part, quotedText] of pattern.matchAll(/"((?:[^"]|"")*)"|[^]/gu)) {
    if (quotedText === undefined) letters.push({ text: part, quoted: false });
    else for (const text of quotedText.replaceAll('""', '"')) letters.push({ text, quoted: true });
  }
  return letters;
}

function toTest(letters: readonly Letter[]): (text: string) => boolean {
  if (letters.some(isWild)) return (text) => fits(letters, Array.from(text));
  const exact = letters.map(({ text }) => text).join("");
  return (text) => text === exact;
}

function isWild({ text, quoted }: Letter): boolean {
  return !quoted && (text === "*" || text === "?");
}

/**
 * By hand, as a regular expression tries every way to share the text out between its stars: seven of them took 25 seconds for one name of 60 letters. Only the last star
 * has to be looked at again: what those before it have left over, it can take.
 */
function fits(letters: readonly Letter[], text: readonly string[]): boolean {
  let [letter, at, star, starAt] = [0, 0, -1, 0];
  while (at < text.length) {
    const wanted = letters[letter];
    if (wanted?.text === "*" && !wanted.quoted) [star, starAt, letter] = [letter, at, letter + 1];
    else if (wanted !== undefined && (wanted.text === text[at] || (wanted.text === "?" && !wanted.quoted))) [letter, at] = [letter + 1, at + 1];
    else if (star >= 0) [letter, starAt, at] = [star + 1, starAt + 1, starAt + 1];
    else return false;
  }
  return letters.slice(letter).every(({ text: rest, quoted }) => rest === "*" && !quoted);
}
