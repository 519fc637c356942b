import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { FastifyError } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { storeError } from "../task/store-error.ts";
import { maskPasswords } from "../task/mask-passwords.ts";
import type { ApiError } from "./contract/error.ts";
import { statusOf } from "./status.ts";

/** What is told of whatever went wrong: always a code, never a stack, never what was sent. */
export function errorAnswer(error: unknown): { readonly status: number; readonly body: { readonly error: ApiError }; readonly headers: Record<string, string> } {
  const known = coded(error as FastifyError);
  const { code, message, object, advice } = known.described();
  const retryAfter = (error as { retryAfterSeconds?: number }).retryAfterSeconds;
  return {
    // Nothing is wrong with what was asked: the store is back in a moment, or somebody has to look.
    status: known.retry === "automatic" && message.startsWith("store: ") ? 503 : statusOf(code),
    body: { error: { code, message: maskPasswords(message), ...(object === undefined ? {} : { object: maskPasswords(object) }), advice: maskPasswords(advice) } },
    headers: retryAfter === undefined ? {} : { "retry-after": String(retryAfter) },
  };
}

/** What is no HTTP, or has no end, gets the same words; after it nothing on this connection can be understood. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const { body } = errorAnswer(new GodwitError("request-invalid", `the request cannot be read (${error.code ?? "no HTTP"})`, { object: "request" }));
  const text = JSON.stringify(body);
  if (socket.writable) {
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, "content-type: application/json; charset=utf-8", `content-length: ${Buffer.byteLength(text)}`, "connection: close"];
    socket.write(`${head.join("\r\n")}\r\n\r\n${text}`);
  }
  socket.destroy(error);
}

function coded(error: FastifyError): GodwitError {
  if (error instanceof GodwitError) return error;
  if (error.name === "AbortError") return new GodwitError("interrupted", "whoever asked has gone, or the server stops", { cause: error });
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [first] = error.validation;
    const where = `${error.validationContext ?? "request"}${(first?.instancePath ?? "").replaceAll("/", ".")}`;
    return new GodwitError("request-invalid", `${where}: ${first?.message ?? "not as it should be"}`, { object: where });
  }
  // Fastify's own, and its plugins': a body that is no JSON, of another type, too large; an address that is no address.
  if (error.statusCode !== undefined && error.statusCode < 500) {
    return new GodwitError("request-invalid", `the request cannot be read (${error.code ?? error.message})`, { object: "request" });
  }
  // Servers of migrations answer in coded errors: what comes as it is comes from the store, which not everybody asks through StoreQueries.
  const ofStore = storeError(error);
  return ofStore.code === "query-failed" ? asGodwitError(error) : ofStore;
}
