import { ACCESS_ERRORS } from "./registry/access-errors.ts";
import { CHANGES_ERRORS } from "./registry/changes-errors.ts";
import { CONNECTION_ERRORS } from "./registry/connection-errors.ts";
import { REQUEST_ERRORS } from "./registry/request-errors.ts";
import { SERVER_ERRORS } from "./registry/server-errors.ts";
import { STORE_ERRORS } from "./registry/store-errors.ts";
import { TASK_ERRORS } from "./registry/task-errors.ts";

/**
 * Every error a user can meet, in one place. `docs/reference/errors.md` is generated from this table, and a test
 * fails when they differ.
 */
export const ERRORS = {
  ...REQUEST_ERRORS,
  ...CONNECTION_ERRORS,
  ...SERVER_ERRORS,
  ...CHANGES_ERRORS,
  ...TASK_ERRORS,
  ...STORE_ERRORS,
  ...ACCESS_ERRORS,
};

export type ErrorCode = keyof typeof ERRORS;
