import { describe, expect, it } from "vitest";
import { parseEndpoint } from "../wire/endpoint.ts";
import { dumpError } from "./dump-error.ts";

const SOURCE = parseEndpoint("source", "postgresql://a@h/x");
const INSIDE = `pg_dump failed with exit code 1.\nError message: \ninvalid binary "/x/dump-worker.ts": No such file or directory\ndump-worker.ts: executing SELECT 1;\n`;

describe("of a failed dump the reader gets the reason", () => {
  it("as the server said it", () => {
    const error = dumpError(SOURCE, { words: `${INSIDE}dump-worker.ts: error: query failed: ERROR:  x`, reported: { code: "53400", message: "temporary file size exceeds" } });
    expect(error.message).toBe("source a@h:5432/x: reading the structure: temporary file size exceeds (SQLSTATE 53400)");
    expect(error.advice).not.toContain("--pg-dump");
  });

  it("as pg_dump said it", () => {
    const words = `${INSIDE}dump-worker.ts: error: query failed: ERROR:  no such thing\nLINE 1: select\ndump-worker.ts: detail: Query was: SELECT 1`;
    expect(dumpError(SOURCE, { words }).message).toBe("source a@h:5432/x: reading the structure: no such thing");
  });

  it.each(["dump-worker.ts: error: out of memory", "memory access out of bounds"])("with the way out when its memory is full: %s", (said) => {
    const error = dumpError(SOURCE, { words: `${INSIDE}${said}` });
    expect(error.message).toMatch(/out of (memory|bounds)$/);
    expect(error.advice).toContain("--pg-dump");
    expect(error.message).not.toContain("dump-worker");
  });

  it("with the way out when the server is newer than pg_dump, the built-in one or another", () => {
    const said = (name: string): string => `${name}: error: aborting because of server version mismatch\n${name}: detail: server version: 19.1; ${name} version: 18.3`;
    const error = dumpError(SOURCE, { words: `${INSIDE}${said("dump-worker.ts")}` });
    expect(error.message).toBe("source a@h:5432/x: reading the structure: aborting because of server version mismatch; server version: 19.1; pg_dump version: 18.3");
    expect(error.advice).toContain("of the source's version with --pg-dump");
    expect(dumpError(SOURCE, { words: said("pg_dump"), program: "pg_dump" }).advice).toBe(error.advice);
  });

  it("of a program that is none", () => {
    expect(dumpError(SOURCE, { words: "ls: unrecognized option '--schema-only'", program: "ls" }).advice).toContain("Check the program");
  });
});
