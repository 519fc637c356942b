import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../../store-options.ts";
import { answer } from "../../task-answer.ts";

export function addShowCommand(task: Command, { environment }: CommandContext): void {
  addStoreOptions(task.command("show").description("where a task stands, what went wrong, and what may be done with it").argument("<id>", "the task's id, or its beginning"))
    .option("--json", "as one JSON object")
    .action(async (id: string, given: StoreGiven & { json?: boolean }) => {
      await using opened = await openGivenStore(given, environment);
      await answer(opened, (await opened.tasks.findByPrefix(id)).id, given.json === true, environment);
    });
}
