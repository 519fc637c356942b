import { armed } from "./armed.ts";

/**
 * Ways in which other tools have lost data, each to be put in by a flag that only tests can set (armed.ts), so that they can show that they would notice (`test/e2e/incremental/mutations.ts` says
 * where each belongs): none of them is ever at work otherwise.
 */
export const MUTATIONS = [
  "results unread", "begin order", "keepalive applies", "stop is applied", "resume truncates", "minus one is a marker", "missing row unnoticed", "slot made anew",
  "goes on after complete", "sequences from max", "toast as null", "key change ignored", "truncate ignored", "constraint validated", "values cut",
] as const; // prettier-ignore
export type Mutation = (typeof MUTATIONS)[number];

/** Whether this process is to have a defect; false, unless a test says so. Where rows pass by, it is asked once, and the answer is a constant of the module. */
export function mutation(name: Mutation): boolean {
  return armed.mutation === name;
}
