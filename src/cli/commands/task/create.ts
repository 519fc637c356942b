import { type Command, Option } from "commander";
import { CONNECTION_HELP, type CommandContext } from "../../command-context.ts";
import { type NewTaskGiven, addNewTaskOptions, parseMoment } from "../../new-task-options.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { answer, answerWhenResting } from "../../task-answer.ts";
import { addMigrationOptions, addTaskOptions, taskOptions } from "../../task-options.ts";
import { newTask, withPasswords } from "../migrate.ts";

interface Given extends DeskGiven, NewTaskGiven {
  readonly at?: Date;
  readonly draft?: boolean;
  readonly wait?: boolean;
  readonly json?: boolean;
}

export function addCreateCommand(task: Command, { environment, exit }: CommandContext): void {
  const command = task.command("create").description("describe a migration and start it; workers do it (`godwit worker`)");
  addDeskOptions(addNewTaskOptions(addMigrationOptions(addTaskOptions(command))))
    .addOption(new Option("--at <time>", "start then (ISO 8601, as 2027-01-31T22:00Z); the checks run at once").argParser(parseMoment))
    .option("--draft", "do not start it")
    .option("--wait", "until the task rests: it has ended, failed, or is paused")
    .option("--json", "as one JSON object")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: Given) => {
      const options = await withPasswords(await taskOptions(command, environment));
      await using desk = await openDesk(given, environment);
      const id = await desk.create({
        ...(await newTask(options, given)),
        ...(given.at === undefined ? {} : { scheduledAt: given.at }),
      });
      if (given.draft !== true) await desk.act(id, "start");
      if (given.wait === true && given.draft !== true) exit(await answerWhenResting(desk, id, given.json === true, environment));
      else await answer(desk, id, given.json === true, environment);
    });
}
