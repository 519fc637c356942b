import type { ErrorSpec } from "./error-spec.ts";

/** Reaching a server, and staying connected. */
export const CONNECTION_ERRORS = {
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
} as const satisfies Record<string, ErrorSpec>;
