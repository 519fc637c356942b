import type { ErrorSpec } from "./error-spec.ts";

/** A task as a whole. */
export const TASK_ERRORS = {
  "precheck-failed": {
    message: "A pre-migration check failed; this run wrote nothing.",
    advice: "Follow the fix printed with each failed check, then run the same command again.",
    retry: "operator",
    exitCode: 1,
  },
  "precheck-alarm": {
    message: "A pre-migration check raised an alarm that was not accepted; this run wrote nothing.",
    advice: "Read the alarms; --yes accepts them all, --accept CHECK those of one check (of a task: godwit task accept); or follow their fixes.",
    retry: "operator",
    exitCode: 1,
  },
  "data-differ": {
    message: "The content of source and target differs.",
    advice: "The tables and first keys are listed; copy these tables again.",
    retry: "operator",
    exitCode: 1,
  },
  "data-unsettled": {
    message: "Some tables could be called neither equal nor different, as changes flow: rows kept changing, or the target did not come on.",
    advice: "Verify again when less is written, or when the target has caught up (godwit task show ID); what is certain was compared.",
    retry: "automatic",
    exitCode: 3,
  },
  "task-unknown": {
    message: "The store holds no task of this id.",
    advice: "`godwit task list` shows the tasks; a store of its own belongs to each --dir and --store.",
    retry: "never",
    exitCode: 2,
    status: 404,
  },
  "action-refused": {
    message: "The task's state does not allow this action.",
    advice: "Use one of the actions that the message names, or wait until the task has moved on.",
    retry: "operator",
    exitCode: 3,
    status: 409,
  },
  "task-differs": {
    message: "A migration between the same two databases was begun with other options, and has not ended.",
    advice: "Run it with the options it was begun with, or give it up: godwit task terminate ID.",
    retry: "never",
    exitCode: 2,
    status: 409,
  },
  interrupted: {
    message: "The work was interrupted.",
    advice: "Run the same command again.",
    retry: "operator",
    exitCode: 3,
    status: 503,
  },
  internal: {
    message: "Godwit met a situation it was not written for.",
    advice: "Please report it, with the message and the log.",
    retry: "never",
    exitCode: 4,
    status: 500,
  },
} as const satisfies Record<string, ErrorSpec>;
