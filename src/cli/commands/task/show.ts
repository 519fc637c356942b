import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { answer } from "../../task-answer.ts";

export function addShowCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(task.command("show").description("where a task stands, what went wrong, and what may be done with it").argument("<id>", "the task's id, or its beginning"))
    .option("--json", "as one JSON object")
    .action(async (id: string, given: DeskGiven & { json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      await answer(desk, await desk.findByPrefix(id), given.json === true, environment);
    });
}
