import type { FastifyError } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { maskPasswords } from "../task/mask-passwords.ts";
import type { ApiError } from "./contract/error.ts";
import { statusOf } from "./status.ts";

/** What is told of whatever went wrong: always a code, never a stack, never what was sent. */
export function errorAnswer(error: unknown): { readonly status: number; readonly body: { readonly error: ApiError }; readonly headers: Record<string, string> } {
  const known = coded(error as FastifyError);
  const { code, message, object, advice } = known.described();
  const retryAfter = (error as { retryAfterSeconds?: number }).retryAfterSeconds;
  return {
    status: statusOf(code),
    body: { error: { code, message: maskPasswords(message), ...(object === undefined ? {} : { object }), advice: maskPasswords(advice) } },
    headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  };
}

function coded(error: FastifyError): GodwitError {
  if (error instanceof GodwitError) return error;
  if (error.name === "AbortError") return new GodwitError("interrupted", "whoever asked has gone, or the server stops", { cause: error });
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = `${error.validationContext ?? "request"}${(first?.instancePath ?? "").replaceAll("/", ".")}`;
    return new GodwitError("request-invalid", `${where}: ${first?.message ?? "not as it should be"}`, { object: where });
  }
  // Fastify's own: a body that is no JSON, of another type, too large; an address that is no address.
  if (error.statusCode !== undefined && error.statusCode < 500 && typeof error.code === "string") {
    return new GodwitError("request-invalid", `the request cannot be read (${error.code})`, { object: "request" });
  }
  return asGodwitError(error);
}
