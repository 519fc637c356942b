import { expect, it } from "vitest";
import { GodwitError } from "../errors/godwit-error.ts";
import { ERRORS, type ErrorCode } from "../errors/registry.ts";
import { asGodwitError, exitCodeOf } from "./task-run.ts";

it.each(Object.keys(ERRORS) as ErrorCode[])("%s ends with an exit code of the contract", (code) => {
  const expected = code === "interrupted" ? 130 : ERRORS[code].exitCode;
  expect(exitCodeOf(new GodwitError(code, "message"))).toBe(expected);
  expect([1, 2, 3, 4, 130]).toContain(expected);
});

it("what nobody foresaw is an internal error with its message and without a stack", () => {
  const error = asGodwitError(new TypeError("x is not a function"));
  expect(error).toMatchObject({ code: "internal", message: "TypeError: x is not a function", exitCode: 4 });
});
