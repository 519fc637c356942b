import type { ErrorSpec } from "./error-spec.ts";

/** What was asked for cannot be understood. */
export const REQUEST_ERRORS = {
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
} as const satisfies Record<string, ErrorSpec>;
