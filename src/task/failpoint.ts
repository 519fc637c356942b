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

/**
 * Ways in which other tools have lost data, each to be put in by a flag that only tests set, so that they can show that they would notice (`test/e2e/incremental/mutations.ts` says
 * where each belongs): none of them is ever at work otherwise.
 */
export const MUTATIONS = [
  "results unread", "begin order", "keepalive applies", "stop is applied", "resume truncates", "minus one is a marker", "missing row unnoticed", "slot made anew",
  "goes on after complete", "sequences from max", "toast as null", "key change ignored", "truncate ignored", "constraint validated", "values cut",
] as const; // prettier-ignore
export type Mutation = (typeof MUTATIONS)[number];

/** `GODWIT_MUTATION=toast as null`: this process has that defect. */
const mutated = process.env["GODWIT_MUTATION"];

/** Whether this process is to have a defect; false, unless a test says so. */
export function mutation(name: Mutation): boolean {
  return mutated === name;
}
