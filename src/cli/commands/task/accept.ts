import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { answer } from "../../task-answer.ts";

export function addAcceptCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(task.command("accept").description("accept alarms of a task's checks, one by one; then start it, or retry").argument("<id>", "the task's id, or its beginning"))
    .argument("<check...>", "checks whose alarms do not stop this task")
    .option("--json", "as one JSON object")
    .action(async (prefix: string, checks: string[], given: DeskGiven & { json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      await desk.accept(id, checks);
      await answer(desk, id, given.json === true, environment);
    });
}
