import type { ErrorSpec } from "./error-spec.ts";

/** What a server refuses, or cannot do. */
export const SERVER_ERRORS = {
  "privilege-missing": {
    message: "The account lacks a right that this step needs.",
    advice: "Grant the right that the message names, then run the same command again.",
    retry: "operator",
    exitCode: 3,
  },
  "target-read-only": {
    message: "The target does not accept writes.",
    advice: "Use the primary, not a standby; check default_transaction_read_only.",
    retry: "operator",
    exitCode: 3,
  },
  "server-unfit": {
    message: "The server is not of the kind that target_session_attrs asks for.",
    advice: "Name the server that is meant (the primary, a standby), or leave target_session_attrs out.",
    retry: "operator",
    exitCode: 3,
  },
  "disk-full": {
    message: "The server's disk is full.",
    advice: "Free or add space on that server, then run the same command again.",
    retry: "operator",
    exitCode: 3,
  },
  "lock-table-full": {
    message: "The server's lock table is too small for this many tables.",
    advice: "Raise max_locks_per_transaction on that server (restart needed), or migrate fewer tables at a time.",
    retry: "operator",
    exitCode: 3,
  },
  "server-memory": {
    message: "The server ran out of memory.",
    advice: "Lower --concurrency, or work_mem and maintenance_work_mem on that server, or give it more memory; then run the same command again.",
    retry: "operator",
    exitCode: 3,
  },
  "value-too-large": {
    message: "A value or row is too large to travel: PostgreSQL's limit for one message or field is 1 GB.",
    advice: "Shorten or split the value that is named at the source, or exclude the table.",
    retry: "operator",
    exitCode: 4,
  },
  deadlock: {
    message: "The server ended a deadlock between us and others by giving up our part.",
    advice: "It is tried again by itself. If it comes again and again, look who changes or truncates tables meanwhile.",
    retry: "automatic",
    exitCode: 3,
  },
  "lock-unavailable": {
    message: "A lock was not to be had in time: somebody else holds one that is in its way.",
    advice: "End the transactions that the message names, or wait for them; the next try goes on from there.",
    retry: "automatic",
    exitCode: 3,
  },
  "dump-failed": {
    message: "The structure could not be read from the source.",
    advice: "The cause names the object; a native pg_dump can be named with --pg-dump for catalogs too large for WebAssembly.",
    retry: "operator",
    exitCode: 3,
  },
  "structure-failed": {
    message: "A statement of the structure failed on the target.",
    advice: "The entry and the server's message are named; mend the cause on the target, then run the same command again: it goes on from there.",
    retry: "operator",
    exitCode: 3,
  },
  "copy-failed": {
    message: "Copying a table failed.",
    advice: "The table and the server's message are named; mend the cause, then run the same command again: it goes on from there.",
    retry: "operator",
    exitCode: 3,
  },
  "query-failed": {
    message: "A query failed on a server.",
    advice: "The server's message is quoted; see its log for more.",
    retry: "operator",
    exitCode: 3,
  },
  protocol: {
    message: "The server sent bytes that are not the PostgreSQL protocol here.",
    advice: "Check that the address is a PostgreSQL server, and that nothing in between changes the stream.",
    retry: "operator",
    exitCode: 3,
  },
} as const satisfies Record<string, ErrorSpec>;
