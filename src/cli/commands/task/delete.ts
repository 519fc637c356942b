import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../../store-options.ts";

export function addDeleteCommand(task: Command, { environment }: CommandContext): void {
  addStoreOptions(task.command("delete").description("forget a task that has ended, with its log").argument("<id>", "the task's id, or its beginning"))
    .option("--json", "as one JSON object")
    .action(async (prefix: string, given: StoreGiven & { json?: boolean }) => {
      await using opened = await openGivenStore(given, environment);
      const { id, name } = await opened.tasks.findByPrefix(prefix);
      const { removeRuns } = await import("../../../task/task-actions.ts");
      await opened.tasks.delete(id);
      await removeRuns(opened.control, id);
      process.stdout.write(given.json === true ? `${JSON.stringify({ event: "deleted", id })}\n` : `Task ${id} (${name}) is deleted.\n`);
    });
}
