import { GodwitError } from "../errors/godwit-error.ts";
import { OBJECT_KINDS, type ObjectKind, type ObjectPattern } from "../plan/object-pattern.ts";
import { didYouMean } from "./closest-name.ts";

/**
 * Reads one value of --include or --exclude: `kind=pattern`, several parted by commas; a part without a kind has the kind
 * of the part before it (`table=public.a,public.b`). Commas and equals signs inside double quotes belong to the name,
 * those inside parentheses to a function's arguments.
 * Throws `usage`.
 */
export function parseObjectPatterns(option: string, text: string): ObjectPattern[] {
  const patterns: ObjectPattern[] = [];
  let kind: ObjectKind | undefined;
  for (const part of splitOutsideQuotes(text, ",")) {
    const [left = "", ...right] = splitOutsideQuotes(part, "=");
    if (right.length > 0) kind = objectKind(option, left.trim());
    if (kind === undefined) throw new GodwitError("usage", `${option} ${text}: expected kind=pattern, as table=public.orders`, { object: option });
    const pattern = (right.length > 0 ? right.join("=") : left).trim();
    if (pattern === "") throw new GodwitError("usage", `${option} ${text}: a pattern is empty`, { object: option });
    patterns.push({ kind, pattern });
  }
  return patterns;
}

function objectKind(option: string, text: string): ObjectKind {
  const kind = OBJECT_KINDS.find((candidate) => candidate === text);
  if (kind !== undefined) return kind;
  throw new GodwitError("usage", `${option}: "${text}" is not a kind of object.${didYouMean(text, OBJECT_KINDS)} Kinds: ${OBJECT_KINDS.join(", ")}`, { object: option });
}

/** Commas and equals signs inside double quotes or parentheses (the arguments of a function) part nothing. */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts = [""];
  let quoted = false;
  let depth = 0;
  for (const letter of text) {
    if (letter === '"') quoted = !quoted;
    else if (!quoted && letter === "(") depth++;
    else if (!quoted && letter === ")") depth = Math.max(0, depth - 1);
    if (letter === separator && !quoted && depth === 0) parts.push("");
    else parts[parts.length - 1] += letter;
  }
  return parts;
}
