import { GodwitError } from "../errors/godwit-error.ts";

/**
 * Refuses texts that PostgreSQL cannot keep: with a NUL character, or half of a surrogate pair (https://www.postgresql.org/docs/current/datatype-character.html),
 * also as names of fields. Not recursive: JSON may be as deep as a body is long. Throws `request-invalid`.
 */
export function refuseOddText(parts: Readonly<Record<"params" | "querystring" | "body", unknown>>): void {
  for (const [part, whole] of Object.entries(parts)) {
    const left: unknown[] = [whole];
    while (left.length > 0) {
      const value = left.pop();
      if (typeof value === "string" && isOdd(value)) throw odd(part);
      if (typeof value !== "object" || value === null) continue;
      for (const [name, inner] of Object.entries(value)) {
        if (isOdd(name)) throw odd(part);
        left.push(inner);
      }
    }
  }
}

function isOdd(text: string): boolean {
  return text.includes("\0") || !text.isWellFormed();
}

function odd(part: string): GodwitError {
  return new GodwitError("request-invalid", `${part}: a text holds a NUL character, or half of a surrogate pair`, { object: part });
}
