import { type Command, Option } from "commander";
import { CONNECTION_HELP, type CommandContext } from "../../command-context.ts";
import { type NewTaskGiven, addNewTaskOptions, parseMoment } from "../../new-task-options.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../../store-options.ts";
import { answer, answerWhenResting } from "../../task-answer.ts";
import { addMigrationOptions, addTaskOptions, taskOptions } from "../../task-options.ts";
import { newTask, withPasswords } from "../migrate.ts";

interface Given extends StoreGiven, NewTaskGiven {
  readonly at?: Date;
  readonly draft?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addCreateCommand(task: Command, { environment, exit }: CommandContext): void {
  const command = task.command("create").description("describe a migration and start it; workers do it (`godwit worker`)");
  addStoreOptions(addNewTaskOptions(addMigrationOptions(addTaskOptions(command))))
    .addOption(new Option("--at <time>", "start then (ISO 8601, as 2027-01-31T22:00Z); the checks run at once").argParser(parseMoment))
    .option("--draft", "do not start it")
    .option("--wait", "until the task rests: it has ended, failed, or is paused")
    .option("--json", "as one JSON object")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: Given) => {
      const options = await withPasswords(await taskOptions(command, environment));
      await using opened = await openGivenStore(given, environment);
      const { act } = await import("../../../task/task-actions.ts");
      const { id } = await opened.tasks.create({
        ...(await newTask(options, given)),
        ...(given.at === undefined ? {} : { scheduledAt: given.at }),
      });
      if (given.draft !== true) await act(opened.tasks, opened.control, id, "start");
      if (given.wait === true && given.draft !== true) exit(await answerWhenResting(opened, id, given.json === true, environment));
      else await answer(opened, id, given.json === true, environment);
    });
}
