import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { MUTATIONS, mutation } from "./mutation.ts";

it("there is no defect here", () => {
  expect(MUTATIONS.filter(mutation)).toEqual([]);
});

/** What a process of its own says that is told of a defect by its environment. */
function defects(...options: string[]): unknown {
  const script = `const { MUTATIONS, mutation } = await import(${JSON.stringify(new URL("mutation.ts", import.meta.url).href)}); console.log(JSON.stringify(MUTATIONS.filter(mutation)))`;
  const environment = { PATH: process.env["PATH"], GODWIT_MUTATION: "toast as null" };
  return JSON.parse(execFileSync(process.execPath, [...options, "--input-type=module", "-e", script], { env: environment, encoding: "utf8" }));
}

it("no environment gives a process a defect, but where a test has loaded the script for it", () => {
  expect(defects()).toEqual([]);
  expect(defects("--import", new URL("../../test/kit/arm.ts", import.meta.url).href)).toEqual(["toast as null"]);
});
