import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromServer } from "./from-server.ts";
import { GodwitError } from "./godwit-error.ts";
import { errorReference } from "./reference.ts";
import { ERRORS } from "./registry.ts";

const SRC = join(import.meta.dirname, "..");

describe("the error registry", () => {
  it("is what docs/reference/errors.md says", async () => {
    await expect(errorReference()).toMatchFileSnapshot("../../docs/reference/errors.md");
  });

  it("has no code that nobody throws", () => {
    const sources = readdirSync(SRC, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.includes("registry"))
      .map((file) => readFileSync(join(SRC, file), "utf8"))
      .join("\n");
    expect(Object.keys(ERRORS).filter((code) => !sources.includes(`"${code}"`))).toEqual([]);
  });
});

describe("fromServer", () => {
  const context = { server: "target u@h:1/d", doing: "copying public.t", object: "public.t", otherwise: "copy-failed" } as const;

  it("keeps the SQLSTATE and leaves DETAIL out, which quotes row values", () => {
    const error = fromServer({ code: "23505", message: "duplicate key value violates unique constraint", detail: "Key (email)=(ann@example.com) already exists." }, context);
    expect(error).toBeInstanceOf(GodwitError);
    expect(error.code).toBe("copy-failed");
    expect(error.message).toBe("target u@h:1/d: copying public.t: duplicate key value violates unique constraint (SQLSTATE 23505)");
  });

  it.each([
    ["22P02", 'invalid input syntax for type integer: "a \n"secret"', 'invalid input syntax for type integer: "…" (SQLSTATE 22P02)'],
    ["22003", 'value "99999999999" is out of range for type integer', 'value "…" is out of range for type integer (SQLSTATE 22003)'],
    ["22021", 'invalid byte sequence for encoding "UTF8": 0xff', 'invalid byte sequence for encoding "UTF8": 0xff (SQLSTATE 22021)'],
  ])("leaves out values that the message of %s quotes", (code, message, told) => {
    expect(fromServer({ code, message }, context).message).toBe(`target u@h:1/d: copying public.t: ${told}`);
  });

  it.each([
    ["53100", "disk-full"],
    ["25006", "target-read-only"],
    ["42501", "privilege-missing"],
    ["08006", "connection-lost"],
    ["57014", "query-cancelled"],
    ["57P03", "server-starting"],
    ["40P01", "deadlock"],
    ["ECONNREFUSED", "connection-refused"],
    ["ENOTFOUND", "host-unknown"],
  ])("knows %s as %s", (code, expected) => {
    expect(fromServer({ code, message: "x" }, context).code).toBe(expected);
  });

  it.each([
    [{ code: "53200", message: "out of shared memory", hint: "You might need to increase max_locks_per_transaction." }, "lock-table-full"],
    [{ code: "53200", message: "out of memory" }, "server-memory"],
    [{ code: "XX000", message: 'could not map filenumber "base/5/16400" to relation OID' }, "slot-lost"],
    [{ code: "XX000", message: 'could not map filenode "base/5/16400" to relation OID' }, "slot-lost"],
    [{ code: "XX000", message: "invalid memory alloc request size 1200000003" }, "value-too-large"],
    [{ code: "XX000", message: "cache lookup failed" }, "copy-failed"],
    [{ code: "40001", message: "terminating connection due to conflict with recovery", file: "postgres.c" }, "recovery-conflict"],
    [{ code: "40001", message: "could not serialize access due to concurrent update", file: "heapam.c" }, "copy-failed"],
  ])("tells apart what shares a SQLSTATE: %o", (error, expected) => {
    expect(fromServer(error, context).code).toBe(expected);
  });

  it("passes a coded error unchanged", () => {
    const coded = new GodwitError("usage", "x");
    expect(fromServer(coded, context)).toBe(coded);
  });
});

it("the guide for trouble names codes that there are", () => {
  const guide = readFileSync(join(SRC, "..", "docs", "guide", "troubleshooting.md"), "utf8");
  const named = guide.split("\n").flatMap((line) => (line.startsWith("| `") ? [...line.split("|")[1]!.matchAll(/`([a-z-]+)`/g)].map(([, code]) => code!) : []));
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((code) => !(code in ERRORS))).toEqual([]);
});
