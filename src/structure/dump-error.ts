import { type ServerError, fromServer } from "../errors/from-server.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";

export interface DumpFailure {
  /** The end of what pg_dump wrote, with a line for everything it did; of these only its errors count. */
  readonly words: string;
  /** What the server said last, where we heard it: the reader then needs that alone. */
  readonly reported?: ServerError | undefined;
  /** The program that --pg-dump names; the built-in one otherwise. */
  readonly program?: string;
  readonly cause?: unknown;
}

/** Why a dump failed, without the inside of pg_dump. */
export function dumpError(endpoint: Endpoint, { words, reported, program, cause = reported }: DumpFailure): GodwitError {
  const own = errorLines(words);
  const told = reported?.message ?? (own.length > 0 ? own.slice(-3).join("; ") : lastWords(words));
  const { code, message } = fromServer({ ...reported, message: told }, { server: describeEndpoint(endpoint), doing: "reading the structure", otherwise: "dump-failed" });
  if (code !== "dump-failed") return new GodwitError(code, message, { cause });
  if (reported === undefined && told.includes("server version mismatch")) return new GodwitError(code, message, { cause, advice: NEWER_SERVER });
  const advice = reported === undefined && program === undefined && isOutOfMemory(told) ? LACKS_MEMORY : MEND;
  return new GodwitError(code, message, { cause, advice: program !== undefined && own.length === 0 ? WRONG_PROGRAM : advice });
}

const LACKS_MEMORY = "The catalog is too large for the built-in pg_dump, which has the 4 GB of WebAssembly: name a native one with --pg-dump.";
/** https://www.postgresql.org/docs/current/app-pgdump.html#PG-DUMP-NOTES */
const NEWER_SERVER = "pg_dump reads no server that is newer than itself: name a native one of the source's version with --pg-dump.";
const MEND = "Mend at the source what the message names, then run the same command again.";
const WRONG_PROGRAM = "Check the program that --pg-dump names, or leave the option out.";

/** No server said this: malloc failed in pg_dump ("out of memory"), or its machine stopped where it had (https://webassembly.github.io/spec/core/exec/runtime.html#trap). */
function isOutOfMemory(told: string): boolean {
  return /out of memory|out of bounds|allocation|unreachable|abort/i.test(told);
}

/**
 * `pg_dump: error: query failed: ERROR:  …` without the program's name and what it did; the queries themselves help nobody.
 * https://www.postgresql.org/docs/current/app-pgdump.html (--verbose)
 */
function errorLines(words: string): string[] {
  return words
    .split("\n")
    .flatMap((line) => /^[^:]*: (?:error|detail|hint): (.*)$/.exec(line)?.[1] ?? [])
    .filter((text) => !text.startsWith("Query was: "))
    .map((text) => text.replace(/dump-worker\.ts (?=version: )/, "pg_dump "))
    .map((text) => text.replace(/^query failed: /, "").replace(/^(?:ERROR|FATAL|PANIC): +/, ""));
}

/** A program that is no pg_dump, or one that fell over, says what it likes. */
function lastWords(words: string): string {
  const kept = words.split("\n").filter((line) => line.trim() !== "" && !/^invalid binary |^[^:]*: executing |^Error message:/.test(line));
  return kept.join(" ").trim().slice(-400);
}
