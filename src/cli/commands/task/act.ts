import type { Command } from "commander";
import type { TaskAction } from "../../../task/states.ts";
import type { CommandContext } from "../../command-context.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { answer, answerWhenResting } from "../../task-answer.ts";

type Action = Exclude<TaskAction, "delete">;

/** What operators do with a task, in the order of its life. */
const ACTIONS: Readonly<Record<Action, string>> = {
  check: "run the prechecks of a task, and nothing else",
  start: "start a task: its prechecks, then the migration; one that is scheduled starts now",
  pause: "stop a task for a while: the work in progress is rolled back, what is finished stays",
  resume: "let a paused task go on",
  retry: "let a failed task go on from where it stood",
  complete: "full+incremental, caught up: drain what is left, align sequences and the rest, clean up; the target is then the database",
  terminate: "give a task up: its slot at the source and its notes on the target are removed, what it has created there stays",
};

/** One command for each action. */
export function addActionCommands(task: Command, context: CommandContext): void {
  for (const [action, description] of Object.entries(ACTIONS) as [Action, string][]) addActionCommand(task, action, description, context);
}

function addActionCommand(task: Command, action: Action, description: string, { environment, exit }: CommandContext): void {
  addDeskOptions(task.command(action).description(description).argument("<id>", "the task's id, or its beginning"))
    .option("--wait", "until the task rests: it has ended, failed, or is paused")
    .option("--json", "as one JSON object")
    .action(async (prefix: string, given: DeskGiven & { wait?: boolean; json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      await desk.act(id, action);
      if (given.wait === true) exit(await answerWhenResting(desk, id, given.json === true, environment));
      else await answer(desk, id, given.json === true, environment);
    });
}
