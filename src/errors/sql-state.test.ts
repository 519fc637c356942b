import { expect, it } from "vitest";
import { GodwitError } from "./godwit-error.ts";
import { sqlStateOf } from "./sql-state.ts";

it.each([
  ["08P01", "08P01"],
  ["XX000", "XX000"],
  ["EPIPE", ""],
  ["ECONNRESET", ""],
])("of an error with code %s the SQLSTATE is %j", (code, expected) => {
  expect(sqlStateOf(new GodwitError("connection-lost", "it broke", { cause: Object.assign(new Error("x"), { code }) }))).toBe(expected);
});
