import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { GodwitError } from "../errors/godwit-error.ts";
import { parsePlan, readPlanFile } from "./plan-file.ts";
import { planJsonSchema } from "../task/plan-schema.ts";

const ENVIRONMENT = { SHOP_PASSWORD: "p@ss: #word", LANES: "6", YES: "true", EMPTY: "" };

function refusal(text: string): GodwitError {
  try {
    parsePlan("shop.yaml", text, ENVIRONMENT);
  } catch (error) {
    if (error instanceof GodwitError) return error;
    throw error;
  }
  throw new Error("the plan was accepted");
}

describe("a plan file", () => {
  it("says everything that the command line can say", () => {
    const text = `
source: postgresql://app@db1/shop
target: { host: db2, port: 5433, user: app, password: "\${SHOP_PASSWORD}", dbname: shop, sslmode: verify-full }
type: full+incremental
until: caught-up
fence: true
conflicts: skip
instance: false
include: { table: [public.*, audit.log], schema: sales }
exclude: { table: public.tmp_* }
concurrency: 4
owner: false
privileges: false
publications: true
tablespaceMap: { fast: nvme }
acceptAlarms: true
accept: [leftovers, sequence-limits]
verify: true
statistics: false
pgDump: /usr/bin/pg_dump
`;
    const plan = parsePlan("shop.yaml", text, ENVIRONMENT);
    expect(Object.keys(plan).sort()).toEqual(Object.keys((planJsonSchema() as { properties: object }).properties).sort());
    expect(plan.target).toMatchObject({ password: "p@ss: #word", port: 5433 });
  });

  it("may be empty: the command line says the rest", () => {
    expect(parsePlan("shop.yaml", "# nothing yet\n", {})).toEqual({});
  });

  it("takes numbers and booleans from the environment, and leaves digits in texts alone", () => {
    const plan = parsePlan("p", "concurrency: ${LANES}\nverify: ${YES}\nsource: { password: '${LANES}' }\npgDump: a${EMPTY}b$${LANES}\n", ENVIRONMENT);
    expect(plan).toEqual({ concurrency: 6, verify: true, source: { password: "6" }, pgDump: "ab${LANES}" });
  });

  it.each([
    ["an unknown variable", "type: full\nsource: postgresql://app:${NOPE}@db/shop\n", "shop.yaml, line 2: environment variable NOPE is not set"],
    ["a broken reference", "pgDump: ${not closed\n", /line 1: a \$\{…\} reference is not the name/],
    ["an unknown key", "type: full\n\ninstanse: true\n", /line 3: unknown key "instanse"\. Did you mean "instance"\? Known keys: source, target/],
    ["an unknown key further in", "target:\n  host: a\n  pasword: b\n", /line 3, target: unknown key "pasword"\. Did you mean "password"\?/],
    ["an unknown kind of object", "include:\n  tabel: public.*\n", /line 2, include: unknown key "tabel"\. Did you mean "table"\?/],
    ["a number where a text is wanted", "source:\n  user: app\n  password: 1234\n", /line 3, source\.password: a text is wanted here: put the value in quotes/],
    ["a text where a boolean is wanted", "verify: maybe\n", /line 1, verify: a value of type boolean is wanted/],
    ["a wrong choice", "type: fuller\n", /line 1, type: Invalid option: expected one of "structure"\|"full"/],
    ["another moment to complete at", "until: tomorrow\n", /line 1, until: Invalid input: expected "caught-up"/],
    ["a list that is none", "accept: leftovers\n", /line 1, accept: a value of type array is wanted/],
    ["a pattern list with a hole", "include:\n  table:\n    - a.b\n    - 3\n", /line 4, include\.table\[1\]: a text is wanted/],
    ["broken YAML", "source: [a\ntype: full\n", /line \d+: /],
    ["a key twice", "type: full\ntype: structure\n", /line 2: Map keys must be unique/],
    ["something that is no mapping", "- a\n- b\n", /line 1: a value of type object/],
  ])("is refused for %s, with its line", (_, text, message) => {
    const error = refusal(text);
    expect(error.code).toBe("plan-invalid");
    expect(error.exitCode).toBe(2);
    expect(error.message).toMatch(message);
  });

  it("never quotes a value: it may be a password", () => {
    for (const text of [
      "source: postgresql://app:sesame@db/shop\n bad indent: x",
      "source: {password: 'sesame', x: 1}",
      "source: ['sesame']",
      "target: 'sesame",
      "concurrency: sesame",
    ]) {
      expect(refusal(text).message).not.toContain("sesame");
    }
  });

  it("that is not there is named", () => {
    expect(() => readPlanFile("/nowhere/plan.yaml", {})).toThrow("/nowhere/plan.yaml: the plan file cannot be read (ENOENT)");
  });
});

describe("what is no plan file is refused at once, whatever it is", () => {
  const directory = mkdtempSync(join(tmpdir(), "godwit-plan-"));
  afterAll(() => rmSync(directory, { recursive: true }));

  it.each([
    ["a directory", () => directory, "it is a directory"],
    ["a FIFO", () => (execFileSync("sh", ["-c", 'mkfifo "$0"', join(directory, "fifo")]), join(directory, "fifo")), "it is not a plain file"],
    ["an endless device", () => "/dev/zero", "it is not a plain file"],
    ["a huge file", () => (writeFileSync(join(directory, "huge"), Buffer.alloc(1024 * 1024 + 1, " ")), join(directory, "huge")), "more than 1 MB"],
    ["nothing", () => join(directory, "absent"), "ENOENT"],
  ])("%s", (_, make, why) => {
    const file = make();
    expect(() => readPlanFile(file, {})).toThrow(expect.objectContaining({ code: "plan-invalid", exitCode: 2, message: expect.stringContaining(why) as unknown }) as Error);
  });
});
