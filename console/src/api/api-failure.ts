import type { ApiError } from "../../../src/server/contract/error.ts";

/** An answer that is not a success. */
export class ApiFailure extends Error {
  /** 0: the server could not be reached. */
  readonly status: number;
  /** What the server says; undefined where it, or a proxy before it, says nothing that we understand. */
  readonly described: ApiError | undefined;

  constructor(status: number, answer: unknown, options?: ErrorOptions) {
    const described = (answer as { error?: ApiError } | undefined)?.error;
    super(described?.message ?? `HTTP ${status}`, options);
    this.name = "ApiFailure";
    this.status = status;
    this.described = described;
  }
}

/** Whether the server could not be reached, or could not answer: the same request may succeed in a moment. What it refuses once it refuses again. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiFailure && (error.status === 0 || error.status >= 500);
}

/** Whether what was asked for is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 404;
}

/** Whether the session has ended. Of a wrong password `login-wrong` is said, with the same status. */
export function isLoggedOut(error: unknown): boolean {
  return error instanceof ApiFailure && error.described?.code === "login-required";
}
