import { CHECKS } from "./run-prechecks.ts";

/** The reference page of the prechecks, from their table; a test holds docs/reference/prechecks.md equal to it. */
export function precheckReference(): string {
  return [
    "# Prechecks",
    "<!-- Made from src/precheck/checks/: `vitest run --project unit src/precheck -u` writes it. -->",
    "Before anything is written, `godwit migrate` (and `godwit check`, which does nothing else) looks for what would stop or damage the migration. Catalogs are read (tables only by values-representable), and nothing that is written stays (see structure-rehearsal). `failed` ends the run with exit code 1; so does an `alarm`, unless `--yes` accepts all, or `--accept` (`godwit task accept`) those of its check. `godwit check --fix ID` runs the SQL of an item, after a question. A check that cannot finish within 30 seconds, or waits 5 for somebody's lock, is an alarm that says so, and whose. Before, the structure is read: a lock that keeps that waiting for 30 seconds ends the run with the error `lock-unavailable`, which names the table and who holds it.",
    ...CHECKS.flatMap(({ id, title, about }) => [`## ${id}`, `**${title}.** ${about}`]),
  ].join("\n\n") + "\n"; // prettier-ignore
}
