import { expect, it } from "vitest";
import { MUTATIONS, mutation } from "./mutation.ts";

it("has no defect, unless a test's environment says so", () => {
  expect(MUTATIONS.filter(mutation)).toEqual([]);
});
