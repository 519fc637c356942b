import { ERRORS, type ErrorCode, type RetryPolicy } from "./registry.ts";

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
}
