import { expect, it, vi } from "vitest";
import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { ERRORS, type ErrorCode } from "../errors/registry.ts";
import { exitCodeOf, runTask } from "./task-run.ts";

it.each(Object.keys(ERRORS) as ErrorCode[])("%s ends with an exit code of the contract", (code) => {
  const expected = code === "interrupted" ? 130 : ERRORS[code].exitCode;
  expect(exitCodeOf(new GodwitError(code, "message"))).toBe(expected);
  expect([1, 2, 3, 4, 130]).toContain(expected);
});

it("what nobody foresaw is an internal error with its message and without a stack", () => {
  const error = asGodwitError(new TypeError("x is not a function"));
  expect(error).toMatchObject({ code: "internal", message: "TypeError: x is not a function", exitCode: 4 });
});

it("the summary of a run that failed counts the tables that were copied, whatever the comparison counts", async () => {
  const written: string[] = [];
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    await runTask({ json: true, environment: {} }, async ({ report, progress }) => {
      for (const table of ["a", "b"]) report({ event: "table", database: "d", table, rows: 5, bytes: 9, seconds: 0 });
      progress.copiedRows = 10;
      progress.doneTables = 0; // the comparison begins
      return await Promise.reject(new GodwitError("interrupted", "x"));
    });
  } finally {
    write.mockRestore();
  }
  expect(JSON.parse(written.at(-1)!)).toMatchObject({ event: "summary", state: "interrupted", tables: 2, rows: 10 });
});
