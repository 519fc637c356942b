import { ERRORS, type ErrorCode } from "./registry.ts";
import type { RetryPolicy } from "./registry/error-spec.ts";

/** What a thrower may add to a coded error. */
export interface ErrorDetails {
  /** The object concerned: a table, a host, an option. */
  readonly object?: string;
  /** Replaces the registry's advice where this case knows better. */
  readonly advice?: string;
  readonly cause?: unknown;
}

/**
 * The only error class users meet: a code of the registry, one sentence, the object, and the way on.
 * `cause` is kept for the log. Messages never hold a password or a row's values.
 */
export class GodwitError extends Error {
  override readonly name = "GodwitError";
  readonly code: ErrorCode;
  readonly object: string | undefined;
  readonly advice: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.object = details.object;
    this.advice = details.advice ?? ERRORS[code].advice;
  }

  get exitCode(): 1 | 2 | 3 | 4 {
    return ERRORS[this.code].exitCode;
  }

  get retry(): RetryPolicy {
    return ERRORS[this.code].retry;
  }

  /** As plain data, for the store and for programs. */
  described(): DescribedError {
    const { code, message, object, advice } = this;
    return { code, message, ...(object === undefined ? {} : { object }), advice };
  }
}

/** An error as plain data. */
export interface DescribedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly object?: string;
  readonly advice: string;
}

/** The error that was described, on whatever worker. */
export function fromDescription({ code, message, object, advice }: DescribedError): GodwitError {
  return new GodwitError(code, message, { advice, ...(object === undefined ? {} : { object }) });
}

/** Whatever was thrown, as something with a code. */
export function asGodwitError(cause: unknown): GodwitError {
  // What broke first says more than what broke while it was being cleaned up.
  if (cause instanceof SuppressedError) return asGodwitError(cause.suppressed);
  if (cause instanceof GodwitError) return cause;
  return new GodwitError("internal", cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause });
}
