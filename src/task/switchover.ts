/** What ties the following of changes to its task: it tells when it has caught up, and is told when to complete. */
export interface Switchover {
  /** Caught up for the first time; the task is then ready to complete. */
  caughtUp(): Promise<void>;
  /** Aborted, with no meaning of failure, when the operator has asked to complete. */
  readonly asked: AbortSignal;
}
