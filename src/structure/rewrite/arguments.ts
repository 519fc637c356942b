/** Where the parenthesis that was opened before `from` is closed, and how many arguments are separated in between. */
export function argumentsFrom(masked: string, from: number): { close: number; commas: number } {
  let depth = 0;
  let commas = 0;
  let at = from;
  for (; at < masked.length; at++) {
    const character = masked[at];
    if (character === "(" || character === "[") depth++;
    else if ((character === ")" || character === "]") && depth-- === 0) break;
    else if (character === "," && depth === 0) commas++;
  }
  return { close: at, commas };
}
