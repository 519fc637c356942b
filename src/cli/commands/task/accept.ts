import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../../store-options.ts";
import { answer } from "../../task-answer.ts";
import { acceptedAlarms } from "../../task-options.ts";

export function addAcceptCommand(task: Command, { environment }: CommandContext): void {
  addStoreOptions(task.command("accept").description("accept alarms of a task's checks, one by one; then start it, or retry").argument("<id>", "the task's id, or its beginning"))
    .argument("<check...>", "checks whose alarms do not stop this task")
    .option("--json", "as one JSON object")
    .action(async (prefix: string, checks: string[], given: StoreGiven & { json?: boolean }) => {
      const alarms = await acceptedAlarms(checks);
      await using opened = await openGivenStore(given, environment);
      const { id } = await opened.tasks.findByPrefix(prefix);
      await opened.tasks.accept(id, alarms);
      await answer(opened, id, given.json === true, environment);
    });
}
