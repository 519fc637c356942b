import type { ErrorCode } from "./registry.ts";
import { GodwitError } from "./godwit-error.ts";

/** The fields of an ErrorResponse that we use (https://www.postgresql.org/docs/current/protocol-error-fields.html). */
export interface ServerError {
  readonly code: string;
  readonly message: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly where?: string | undefined;
  /** The table with the constraint that was violated, and its schema: a partition, where that is what has the row. */
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  /** The constraint that was violated. */
  readonly constraint?: string | undefined;
  /** The server's source file that reported it. */
  readonly file?: string | undefined;
}

/** SQLSTATE (or its first two digits) → our code. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Readonly<Record<string, ErrorCode>> = {
  "08": "connection-lost",
  "25006": "target-read-only",
  "28000": "login-refused",
  "28P01": "password-wrong",
  "3D000": "database-unknown",
  "40P01": "deadlock",
  "42501": "privilege-missing",
  "53100": "disk-full",
  "53200": "server-memory",
  "53300": "too-many-connections",
  "54000": "value-too-large",
  "55P03": "lock-unavailable",
  "57014": "query-cancelled",
  "57P01": "connection-lost",
  "57P02": "connection-lost",
  "57P03": "server-starting",
};

/** Network error codes of Node (`error.code`) → our code. */
const BY_ERRNO: Readonly<Record<string, ErrorCode>> = {
  ENOTFOUND: "host-unknown",
  EAI_AGAIN: "host-unknown",
  ECONNREFUSED: "connection-refused",
  ENOENT: "connection-refused", // a unix socket that is not there
  ETIMEDOUT: "connection-timeout",
  EHOSTUNREACH: "connection-timeout",
  ENETUNREACH: "connection-timeout",
  ECONNRESET: "connection-lost",
  EPIPE: "connection-lost",
};

export interface ServerErrorContext {
  /** "source" or "target", with the address: the reader must see which server spoke. */
  readonly server: string;
  /** What was being done, as "copying public.orders". */
  readonly doing: string;
  readonly object?: string;
  /** The code to use where the SQLSTATE says nothing more exact. */
  readonly otherwise: ErrorCode;
}

/**
 * Turns what a server or a socket reported into a coded error. An error that already has a code passes unchanged.
 * The server's DETAIL is left out: it quotes row values ("Key (email)=(…) already exists"); so are values in its message.
 */
export function fromServer(error: unknown, context: ServerErrorContext): GodwitError {
  if (error instanceof GodwitError) return error;
  const { code, message, hint, file } = readError(error);
  const known = exactCode(code, message, hint, file) ?? BY_SQLSTATE[code] ?? BY_SQLSTATE[code.slice(0, 2)] ?? BY_ERRNO[code];
  const state = /^[0-9A-Z]{5}$/.test(code) ? ` (SQLSTATE ${code})` : "";
  return new GodwitError(known ?? context.otherwise, `${context.server}: ${context.doing}: ${withoutValue(code, message)}${state}`, {
    ...(context.object === undefined ? {} : { object: context.object }),
    cause: error,
  });
}

/** What is no integer, no date, too large …: `invalid input syntax for type integer: "…"` (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
const QUOTES_VALUE: ReadonlySet<string> = new Set(["22P02", "22003", "22007", "22008"]);

function withoutValue(sqlState: string, message: string): string {
  return QUOTES_VALUE.has(sqlState) ? message.replace(/"[^]*"/, '"…"') : message;
}

/**
 * Cases that share their SQLSTATE with others. What is looked at is in no translation: the name of a setting, a source file, and
 * the words of an internal error (https://www.postgresql.org/docs/current/error-message-reporting.html: elog is never translated).
 */
function exactCode(sqlState: string, message: string, hint: string, file: string): ErrorCode | undefined {
  // A standby's interrupts are answered in postgres.c; what really could not be serialized is found out elsewhere.
  if (sqlState === "40001" && file === "postgres.c") return "recovery-conflict";
  // "out of shared memory" of the lock table; a real lack of memory has the same state.
  if (sqlState === "53200" && hint.includes("max_locks_per_transaction")) return "lock-table-full";
  // Logical decoding that has lost track of a table's file: it does so again each time it comes by there (https://www.postgresql.org/docs/current/logicaldecoding.html).
  if (sqlState === "XX000" && /^could not map filen(ode|umber) /.test(message)) return "slot-lost";
  // How most output functions meet the limit of 1 GB for one allocation.
  if (sqlState === "XX000" && message.startsWith("invalid memory alloc request size")) return "value-too-large";
  return undefined;
}

function readError(error: unknown): { code: string; message: string; hint: string; file: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return readError(error.errors[0]);
  if (typeof error !== "object" || error === null) return { code: "", message: String(error), hint: "", file: "" };
  const text = (name: string, otherwise = ""): string => {
    const value = (error as Readonly<Record<string, unknown>>)[name];
    return typeof value === "string" ? value : otherwise;
  };
  return { code: text("code"), message: text("message", "unknown error"), hint: text("hint"), file: text("file") };
}
