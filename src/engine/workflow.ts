import { DBOS, DBOSWorkflowConflictError, Error as DBOSErrors } from "@dbos-inc/dbos-sdk";
import { currentOwnerXid } from "@dbos-inc/dbos-sdk/internal/context";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Ownership } from "./ownership.ts";

/**
 * A durable procedure. It may be run again from its beginning at any time, in any process: between the steps it must decide only by its
 * arguments and by what its steps returned. An error that leaves it ends the workflow; an interruption (see `isInterruption`) must leave it.
 */
export type Workflow = (context: WorkflowContext, ...ids: string[]) => Promise<unknown>;

/** What a workflow does with the outside world. */
export interface WorkflowContext {
  readonly workflowId: string;
  /** Names this claim of the workflow: `dbos.workflow_status.owner_xid` is equal to it for as long as this execution may write. */
  readonly token: string;
  /**
   * Does something whose result is kept: a step that ended is never done again, one that was cut off is. The signal aborts within a second
   * when the workflow was cancelled or taken over, or the engine shuts down; the step then ends soon, and what it returns or throws is dropped.
   * The result must be JSON, a Date or a Map; it is stored in clear.
   */
  step<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
}

/** True for what a workflow must let pass: it was cancelled, or another executor goes on with it. */
export function isInterruption(error: unknown): boolean {
  return error instanceof DBOSWorkflowConflictError || error instanceof DBOSErrors.DBOSWorkflowCancelledError;
}

/** The context of the workflow that runs here; to be called inside of it. */
export function currentContext(ownership: Ownership): WorkflowContext {
  const workflowId = DBOS.workflowID;
  const token = workflowId === undefined ? undefined : currentOwnerXid(workflowId);
  if (workflowId === undefined || token === undefined) throw new GodwitError("internal", "no workflow runs here");
  const step = async <T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    await DBOS.runStep(
      async () => {
        const guard = ownership.guard(workflowId, token);
        try {
          guard.signal.throwIfAborted();
          return await work(guard.signal);
        } catch (error) {
          // This error alone makes DBOS leave the step unrecorded, and the execution wait for whoever goes on.
          throw guard.signal.aborted ? new DBOSWorkflowConflictError(workflowId) : error;
        } finally {
          guard.release();
        }
      },
      { name },
    );
  return { workflowId, token, step };
}
