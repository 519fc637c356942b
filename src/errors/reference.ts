import { ERRORS } from "./registry.ts";
import type { ErrorSpec } from "./registry/error-spec.ts";

const WHO: Readonly<Record<ErrorSpec["retry"], string>> = {
  automatic: "passing: run it again",
  operator: "can be run again after it is mended",
  never: "not as it was asked for",
};

/** The reference page of the error codes, from the registry; a test holds docs/reference/errors.md equal to it. */
export function errorReference(): string {
  const rows = Object.entries<ErrorSpec>(ERRORS).map(([code, spec]) => `| \`${code}\` | ${spec.message} | ${spec.advice} | ${WHO[spec.retry]} | ${spec.exitCode} |`);
  return [
    "# Error codes",
    "<!-- Made from src/errors/registry/: `vitest run --project unit -u src/errors` writes it. -->",
    "Every error has a code, one sentence with the object concerned, and the way on. With `--json` it is the event `error`.",
    "| code | what happened | what to do | retry | exit code |\n|---|---|---|---|---|\n" + rows.join("\n"),
  ].join("\n\n") + "\n"; // prettier-ignore
}
