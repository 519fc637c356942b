/**
 * Every error a user can meet, in one place. `docs/reference/errors.md` is generated from this table, and a test
 * fails when they differ.
 *
 * `retry` tells who can make it go away: `automatic` (time: the same call may succeed later), `operator` (somebody
 * mends something, then the same command is run again), `never` (this task cannot succeed as it was asked for).
 * Exit codes are the CLI's contract: 1 the answer is no, 2 usage, 3 failed and can be retried, 4 failed for good.
 */
export type RetryPolicy = "automatic" | "operator" | "never";

export interface ErrorSpec {
  /** What happened, for the reference page; a thrown error names the object too. */
  readonly message: string;
  /** What the operator does next. */
  readonly advice: string;
  readonly retry: RetryPolicy;
  readonly exitCode: 1 | 2 | 3 | 4;
}

export const ERRORS = {
  usage: {
    message: "The command line cannot be understood.",
    advice: "Run the command with --help and correct the option that is named.",
    retry: "never",
    exitCode: 2,
  },
  "uri-invalid": {
    message: "A connection URI or parameter cannot be understood.",
    advice: "Write it as postgresql://user@host:port/database?sslmode=… (libpq's URI form).",
    retry: "never",
    exitCode: 2,
  },
  "plan-invalid": {
    message: "The plan file cannot be read, or holds a key or value that is not known.",
    advice: "Correct the line that is named; `godwit plan-schema` prints the JSON Schema of a plan.",
    retry: "never",
    exitCode: 2,
  },
  "object-unknown": {
    message: "An --include or --exclude pattern matches nothing at the source.",
    advice: "Check the spelling and the schema; patterns are kind=schema.name with * and ?.",
    retry: "never",
    exitCode: 2,
  },
  "host-unknown": {
    message: "The host name cannot be resolved.",
    advice: "Check the host name, and DNS on this machine.",
    retry: "operator",
    exitCode: 3,
  },
  "connection-refused": {
    message: "Nothing accepts connections at this host and port.",
    advice: "Check that the server runs, listens on this address (listen_addresses) and port, and that no firewall is in between.",
    retry: "automatic",
    exitCode: 3,
  },
  "connection-timeout": {
    message: "The server did not answer in time.",
    advice: "Check the address, the route and the firewall; raise connect_timeout if the network is slow.",
    retry: "automatic",
    exitCode: 3,
  },
  "connection-lost": {
    message: "A connection broke in the middle of the work.",
    advice: "Run the same command again; see the server's log for the cause if it comes back.",
    retry: "automatic",
    exitCode: 3,
  },
  "snapshot-lost": {
    message: "The connection that holds the snapshot broke: rows read from now on would be of another moment.",
    advice: "Run the same command again; the data of the unfinished database is copied again, under a new snapshot (full+incremental keeps the chunks that are there).",
    retry: "automatic",
    exitCode: 3,
  },
  "recovery-conflict": {
    message: "A standby ended our query, or the connection, as it stood in the way of what the primary had changed.",
    advice:
      "Run the same command again; before that, set hot_standby_feedback = on or raise max_standby_streaming_delay (-1: wait for us) on the standby, max_standby_archive_delay where it reads an archive, or use the primary.",
    retry: "automatic",
    exitCode: 3,
  },
  "query-cancelled": {
    message: "Somebody cancelled a query of ours on the server (pg_cancel_backend, a monitoring tool).",
    advice: "Run the same command again; look for who cancels long queries on that server.",
    retry: "automatic",
    exitCode: 3,
  },
  "server-starting": {
    message: "The server is starting up, shutting down or in recovery and takes no connections.",
    advice: "Wait until it accepts connections, then run the same command again.",
    retry: "automatic",
    exitCode: 3,
  },
  "too-many-connections": {
    message: "The server has no free connection left.",
    advice: "Free connections, raise max_connections, or lower --concurrency.",
    retry: "automatic",
    exitCode: 3,
  },
  "tls-refused": {
    message: "TLS could not be set up as asked.",
    advice: "Check sslmode, the server's ssl setting, and the certificates (sslrootcert, sslcert, sslkey).",
    retry: "operator",
    exitCode: 3,
  },
  "password-wrong": {
    message: "The server refused the password, or none was given.",
    advice: "Check user and password; it may come from the URI, GODWIT_SOURCE_PASSWORD and GODWIT_TARGET_PASSWORD, passfile, PGPASSFILE or ~/.pgpass.",
    retry: "operator",
    exitCode: 3,
  },
  "login-refused": {
    message: "The server does not let this user in from here.",
    advice: "Check pg_hba.conf for this user, database and client address, and that the role may log in.",
    retry: "operator",
    exitCode: 3,
  },
  "database-unknown": {
    message: "The database does not exist.",
    advice: "Check the name at the end of the URI, or create the database.",
    retry: "operator",
    exitCode: 3,
  },
  "version-unsupported": {
    message: "The server's major version is not supported.",
    advice: "Sources are PostgreSQL 9.4 to 18, targets 10 to 18.",
    retry: "never",
    exitCode: 4,
  },
  "precheck-failed": {
    message: "A pre-migration check failed; this run wrote nothing.",
    advice: "Follow the fix printed with each failed check, then run the same command again.",
    retry: "operator",
    exitCode: 1,
  },
  "precheck-alarm": {
    message: "A pre-migration check raised an alarm that was not accepted; this run wrote nothing.",
    advice: "Read the alarms; accept them with --yes, or follow their fixes.",
    retry: "operator",
    exitCode: 1,
  },
  "data-differ": {
    message: "The content of source and target differs.",
    advice: "The tables and first keys are listed; copy these tables again.",
    retry: "operator",
    exitCode: 1,
  },
  "data-unsettled": {
    message: "Some tables could be called neither equal nor different, as changes flow: rows kept changing, or the target did not come on.",
    advice: "Verify again when less is written, or when the target has caught up (godwit task show ID); what is certain was compared.",
    retry: "automatic",
    exitCode: 3,
  },
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
  fenced: {
    message: "Another process, or another migration, owns what this one was writing to.",
    advice: "Nothing is lost: look at `godwit task list` for the migration that goes on. A ledger that no task knows is dropped with: drop schema godwit cascade;",
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
    message: "The structure at the source is not the one that this migration began with.",
    advice: "Bring the structure of then back, or give the migration up (godwit task terminate ID), empty the target and begin anew.",
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
  deadlock: {
    message: "The server ended a deadlock between us and others by giving up our part.",
    advice: "It is tried again by itself. If it comes again and again, look who changes or truncates tables meanwhile.",
    retry: "automatic",
    exitCode: 3,
  },
  "slot-lost": {
    message: "The server gave the replication slot up, with the WAL that it needs, or fails to decode what it holds.",
    advice:
      "Where WAL was removed, raise max_slot_wal_keep_size (or set -1), and idle_replication_slot_timeout to 0, at the source. Changes are lost (where decoding fails, unless one more try passes): give the migration up (godwit task terminate ID) and begin anew.",
    retry: "operator",
    exitCode: 4,
  },
  "lock-unavailable": {
    message: "A table could not be locked for the moment that a change of its properties takes.",
    advice: "End the transactions that the message names, or wait for them; the next try goes on from there.",
    retry: "automatic",
    exitCode: 3,
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
    advice: "Nothing of the transactions behind the change was applied. Make the same change on the target, then retry the task: it goes on from there.",
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
      "Somebody else writes to the target. The row's key is in the table godwit.conflict of the target database: remove the other row and retry the task, or let it skip or overwrite such rows.",
    retry: "operator",
    exitCode: 3,
  },
  "change-unsupported": {
    message: "A change at the source cannot be repeated on the target.",
    advice: "The table and the reason are named; leave the table out, or bring it to the same state on both sides by hand.",
    retry: "operator",
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
  "binaries-missing": {
    message: "The PostgreSQL binaries for this major are not installed and could not be brought.",
    advice: "Run npm ci again, or connect this machine to the npm registry.",
    retry: "operator",
    exitCode: 3,
  },
  "embedded-failed": {
    message: "An embedded PostgreSQL server did not start.",
    advice: "The end of its log is quoted; check disk space and the rights on the directory.",
    retry: "operator",
    exitCode: 3,
  },
  "store-foreign": {
    message: "The state directory is not a store of Godwit, is one of another version, or belongs to another user.",
    advice: "Name another directory with --dir, or run as the user that made this one.",
    retry: "operator",
    exitCode: 3,
  },
  "store-unusable": {
    message: "The state directory cannot hold the store: it cannot be written, or the server's unprivileged user cannot reach it.",
    advice: "Name a directory with --dir that this user may write; as root, one whose parents all users may enter, as below /var/lib.",
    retry: "operator",
    exitCode: 3,
  },
  "store-refused": {
    message: "The store's server runs but does not let Godwit in.",
    advice: "Check the user, password and address of --store; for a state directory, that its file password is the one the store was made with.",
    retry: "operator",
    exitCode: 3,
  },
  "store-newer": {
    message: "The store was made or upgraded by a newer Godwit.",
    advice: "Use that version of Godwit, or a store of its own for this one (--dir, --store).",
    retry: "never",
    exitCode: 4,
  },
  "task-unknown": {
    message: "The store holds no task of this id.",
    advice: "`godwit task list` shows the tasks; a store of its own belongs to each --dir and --store.",
    retry: "never",
    exitCode: 2,
  },
  "action-refused": {
    message: "The task's state does not allow this action.",
    advice: "Use one of the actions that the message names, or wait until the task has moved on.",
    retry: "operator",
    exitCode: 3,
  },
  "task-differs": {
    message: "A migration between the same two databases was begun with other options, and has not ended.",
    advice: "Run it with the options it was begun with, or give it up: godwit task terminate ID.",
    retry: "never",
    exitCode: 2,
  },
  "secret-key-wrong": {
    message: "The key does not open the secrets kept in the store.",
    advice: "Give the key they were written with: GODWIT_KEY (base64 of 32 bytes), or the file secret.key of the state directory.",
    retry: "operator",
    exitCode: 3,
  },
  interrupted: {
    message: "The work was interrupted.",
    advice: "Run the same command again.",
    retry: "operator",
    exitCode: 3,
  },
  internal: {
    message: "Godwit met a situation it was not written for.",
    advice: "Please report it, with the message and the log.",
    retry: "never",
    exitCode: 4,
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;
