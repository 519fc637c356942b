import { armed } from "./armed.ts";

/**
 * The edges at which tests let a worker die: before and after everything that is kept. In the order in which a migration comes by.
 */
export const FAILPOINTS = [
  "state changed", "checks passed", "roles created", "roles noted", "ledger opened", "structure begun", "structure created", "slot created", "stage opened", "jobs written",
  "job claimed", "chunk in flight", "chunk committed", "chunk told", "large objects copied", "data copied", "data noted", "index built", "index told",
  "sequences set", "constraints added", "foreign key validated", "views filled", "statistics gathered", "stream plan kept", "following noted",
  "round received", "batch received", "batch applied", "batch committed", "reported", "position settled", "caught up",
  "fence raised", "drained", "sequences aligned", "aligned", "handed over", "looked last", "slot dropped", "source restored", "closing noted", "ledger dropped", "database noted", "finished",
] as const; // prettier-ignore
/** And one that only a task comes by which stops for what was changed at the source: it is kept, and not told yet. */
export type Failpoint = (typeof FAILPOINTS)[number] | "change kept";

/** Those that only full+incremental comes by. */
export const FOLLOWING_FAILPOINTS: readonly Failpoint[] = [
  "slot created", "stream plan kept", "following noted", "round received", "batch received", "batch applied", "batch committed", "reported", "position settled", "caught up",
  "fence raised", "drained", "sequences aligned", "aligned", "handed over", "looked last", "slot dropped", "source restored",
]; // prettier-ignore

/** `chunk committed`: this process dies there, as by kill -9, when it comes by for the first time; `chunk committed 3`: for the third time. */
const [, at, times = "1"] = /^(.*?)(?: (\d+))?$/.exec(armed.failpoint ?? "") ?? [];
let left = Number(times);

/** Nothing, unless a test has armed it. */
export function failpoint(name: Failpoint): void {
  if (at === name && --left === 0) process.kill(process.pid, "SIGKILL");
}
