/** Milliseconds of the clock that all threads of this machine share: `performance.now()` counts from each thread's own start. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
