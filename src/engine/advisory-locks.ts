/**
 * The advisory locks that Godwit takes in its store, in the form with two 32-bit keys: the first says what for.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS
 */
export const ADVISORY_LOCKS = {
  /** Held while migrating: second key 0. */
  migrate: 1_196_379_649,
  /** Held by whoever closes an embedded store, shared for a moment by whoever opens it: second key 0. */
  presence: 1_196_379_650,
  /** Held by the sweeper of the moment: second key 0. */
  sweep: 1_196_379_651,
  /** Held by a living executor: second key hashtext(executor id). */
  lease: 1_196_379_652,
  /** Held while a task between two databases is looked for or made: second key hashtext(source target). */
  pair: 1_196_379_653,
} as const;
