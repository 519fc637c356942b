import type { ErrorSpec } from "./error-spec.ts";

/** Following the changes of a source. */
export const CHANGES_ERRORS = {
  fenced: {
    message: "Another process, or another migration, owns what this one was writing to.",
    advice:
      "Nothing is lost: look at `godwit task list` for the migration that goes on. Where no task knows of the ledger (schema godwit on the target) any more: empty that database, or drop it and create it again.",
    retry: "operator",
    exitCode: 3,
  },
  "source-changed": {
    message: "A table of the source was truncated, rewritten, renamed or dropped under the snapshot, or a column of it renamed or dropped.",
    advice: "Do without TRUNCATE, rewriting ALTER TABLE and renaming at the source while it is copied; the next try copies the data again.",
    retry: "automatic",
    exitCode: 3,
  },
  "table-rewritten": {
    message: "A table was truncated or rewritten at the source while it was copied for full+incremental: the copy may lack rows that the stream of changes refers to.",
    advice: "The task goes on by itself: such tables are copied again, the others stay.",
    retry: "automatic",
    exitCode: 3,
  },
  "structure-changed": {
    message: "Tables at the source that are still to be copied are not those that this migration began with.",
    advice: "Make the tables that are named what they were then, and godwit task retry; or give the migration up (godwit task terminate ID), empty the target and begin anew.",
    retry: "operator",
    exitCode: 3,
  },
  "slot-missing": {
    message: "The replication slot is not there any more: somebody dropped it, or the source failed over to a server that has none.",
    advice: "Changes made since are not kept anywhere: the databases are copied again under a new slot. Give the migration up (godwit task terminate ID) and begin anew.",
    retry: "operator",
    exitCode: 4,
  },
  "slot-in-use": {
    message: "Another connection reads the replication slot: mostly our own last one, which the server has not yet missed.",
    advice: "The server lets go of it after wal_sender_timeout; if it comes back, see active_pid in pg_replication_slots for who reads it.",
    retry: "automatic",
    exitCode: 3,
  },
  "left-behind": {
    message: "A task was given up, and what it had made could not be taken back.",
    advice: "Remove by hand what is named.",
    retry: "operator",
    exitCode: 3,
  },
  "slot-lost": {
    message: "The server gave the replication slot up, with the WAL that it needs, or fails to decode what it holds; or the source lacks changes that the target has from it.",
    advice:
      "Where WAL was removed, raise max_slot_wal_keep_size (or set -1), and idle_replication_slot_timeout to 0, at the source. Where another server answers under the source's address, or one that was restored, bring the right one back and retry the task. Else changes are lost (where decoding fails, unless one more try passes): give the migration up (godwit task terminate ID) and begin anew.",
    retry: "operator",
    exitCode: 4,
  },
  "fence-incomplete": {
    message: "The source could not be made read-only for everybody else; it takes writes as before.",
    advice:
      "End the sessions and transactions that the message names, or connect as an account that may (pg_signal_backend, a superuser); or complete without the fence, with the application stopped.",
    retry: "operator",
    exitCode: 3,
  },
  "schema-changed": {
    message: "A table was changed at the source while its changes are carried over, and the target's is another one now.",
    advice:
      "Make the same change on the target, then retry the task: it goes on from there. Rows that were there before may differ where a new column's default gives another value each time (now(), clock_timestamp(), random()), as each side computes it for itself: compare with godwit verify.",
    retry: "operator",
    exitCode: 3,
  },
  "row-incomplete": {
    message: "A row got another key at the source between two moments at which its table was copied, and not all of its values are known.",
    advice: "This takes a lost snapshot and an update that changes the key of a row with a long value. Give the migration up (godwit task terminate ID) and begin anew.",
    retry: "operator",
    exitCode: 4,
  },
  "row-missing": {
    message: "A row that was updated or deleted at the source is not on the target.",
    advice:
      "Somebody else writes to the target. The row's key is in the table godwit.conflict of the target database: bring the row back and retry the task, or let it skip or overwrite such rows.",
    retry: "operator",
    exitCode: 3,
  },
  "row-exists": {
    message: "A row that was inserted or updated at the source collides with one that the target has already.",
    advice:
      "Somebody else writes to the target. The row's key is in the table godwit.conflict of the target database: remove the other row and retry the task, or let it skip or overwrite such rows (what a DEFERRABLE constraint is in the way of stops it in any case).",
    retry: "operator",
    exitCode: 3,
  },
  "change-unsupported": {
    message: "A change at the source cannot be repeated on the target.",
    advice: "The table and the reason are named; leave the table out, or bring it to the same state on both sides by hand.",
    retry: "operator",
    exitCode: 3,
  },
} as const satisfies Record<string, ErrorSpec>;
