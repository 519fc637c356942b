import { type Command, Option } from "commander";
import { TASK_STATES, type TaskState } from "../../../task/states.ts";
import type { CommandContext } from "../../command-context.ts";
import { didYouMean } from "../../closest-name.ts";
import { InvalidArgumentError } from "commander";
import { tagOption } from "../../new-task-options.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { taskTable } from "../../render/task-text.ts";
import { printTaskJson } from "../../task-answer.ts";

export function addListCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(task.command("list").description("the tasks of a store, newest first"))
    .addOption(new Option("--state <state>", `only tasks in this state; may be given several times; states: ${TASK_STATES.join(", ")}`).argParser(parseState))
    .addOption(tagOption("only tasks with this tag; may be given several times: then with all of them"))
    .option("--json", "one JSON object per line and task")
    .action(async (given: DeskGiven & { state?: TaskState[]; tag?: Record<string, string>; json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      const answers = await desk.list({ states: given.state, tags: given.tag });
      if (given.json === true) for (const answer of answers) printTaskJson(answer);
      else process.stdout.write(taskTable(answers, environment));
    });
}

function parseState(text: string, before: TaskState[] | undefined): TaskState[] {
  const state = TASK_STATES.find((known) => known === text);
  if (state === undefined) throw new InvalidArgumentError(`There is no such state.${didYouMean(text, TASK_STATES)} States: ${TASK_STATES.join(", ")}.`);
  return [...(before ?? []), state];
}
