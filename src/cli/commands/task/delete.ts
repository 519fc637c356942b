import type { Command } from "commander";
import type { CommandContext } from "../../command-context.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";

export function addDeleteCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(task.command("delete").description("forget a task that has ended, with its log").argument("<id>", "the task's id, or its beginning"))
    .option("--json", "as one JSON object")
    .action(async (prefix: string, given: DeskGiven & { json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      const { name } = (await desk.find(id)).task;
      await desk.delete(id);
      process.stdout.write(given.json === true ? `${JSON.stringify({ event: "deleted", id })}\n` : `Task ${id} (${name}) is deleted.\n`);
    });
}
