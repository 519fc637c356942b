import { ERRORS, type ErrorCode } from "../errors/registry.ts";
import type { ErrorSpec } from "../errors/registry/error-spec.ts";

/** The HTTP status of an error: what its code says, else 400 for what was asked wrongly, and 422 for what a server of the migration refused. */
export function statusOf(code: ErrorCode): number {
  const spec: ErrorSpec = ERRORS[code];
  return spec.status ?? (spec.exitCode === 2 ? 400 : 422);
}
