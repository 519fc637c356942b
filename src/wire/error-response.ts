import type { ServerError } from "../errors/from-server.ts";

/** Fields of an ErrorResponse: one letter, text, NUL, … NUL (https://www.postgresql.org/docs/current/protocol-error-fields.html). */
export function parseErrorResponse(body: Buffer): ServerError {
  const fields = new Map<string, string>();
  for (let at = 0; at < body.length && body[at] !== 0;) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    fields.set(String.fromCharCode(body[at]!), body.toString("utf8", at + 1, end));
    at = end + 1;
  }
  return {
    code: fields.get("C") ?? "",
    message: fields.get("M") ?? "unknown error",
    hint: fields.get("H"),
    where: fields.get("W"),
    file: fields.get("F"),
    schema: fields.get("s"),
    table: fields.get("t"),
    constraint: fields.get("n"),
  };
}
