/**
 * The edges at which tests let a worker die: before and after everything that is kept. In the order in which a full migration comes by.
 */
export const FAILPOINTS = [
  "state changed", "checks passed", "roles created", "roles noted", "ledger opened", "structure begun", "structure created", "stage opened", "jobs written",
  "job claimed", "chunk in flight", "chunk committed", "chunk told", "large objects copied", "data copied", "data noted", "index built", "index told",
  "sequences set", "constraints added", "foreign key validated", "views filled", "statistics gathered", "closing noted", "ledger dropped", "slot created", "stream plan kept", "following noted", "caught up", "fence raised", "drained", "sequences aligned", "aligned", "source restored", "database noted", "finished",
] as const; // prettier-ignore
export type Failpoint = (typeof FAILPOINTS)[number];

/** `GODWIT_FAILPOINT=chunk committed`: this process dies there, as by kill -9, when it comes by for the first time. */
const armed = process.env["GODWIT_FAILPOINT"];

/** Nothing, unless a test has armed it. */
export function failpoint(name: Failpoint): void {
  if (armed === name) process.kill(process.pid, "SIGKILL");
}
