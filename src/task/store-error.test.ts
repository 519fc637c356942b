import { expect, it } from "vitest";
import { storeError } from "./store-error.ts";

it.each([
  "Connection terminated unexpectedly",
  "timeout exceeded when trying to connect",
  "Client has encountered a connection error and is not queryable",
  "Connection terminated due to connection timeout",
])("passes by itself: %s", (message) => {
  expect(storeError(new Error(message))).toMatchObject({ code: "connection-lost", retry: "automatic" });
});

it("does not pass by itself: what the server says of a query, or a mistake of ours", () => {
  expect(storeError(Object.assign(new Error("connection terminated, says a column"), { code: "42703" }))).toMatchObject({ code: "query-failed" });
  expect(storeError(new TypeError("x is not a function"))).toMatchObject({ code: "query-failed" });
});
