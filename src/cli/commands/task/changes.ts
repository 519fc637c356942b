import { type Command, InvalidArgumentError, Option } from "commander";
import { formatLsn } from "../../../wire/lsn.ts";
import type { DatabaseChanges } from "../../../task/task-changes.ts";
import type { CommandContext } from "../../command-context.ts";
import { changesText } from "../../render/changes-text.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";

const MOST_CONFLICTS = 100;

export function addChangesCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(
    task
      .command("changes")
      .description("full+incremental: what came of the changes, table by table, and each conflict with its row's key")
      .argument("<id>", "the task's id, or its beginning"),
  )
    .addOption(new Option("--conflicts <n>", "so many conflicts at most, the newest first").argParser(parseCount).default(MOST_CONFLICTS))
    .option("--json", "as one JSON object per database")
    .action(async (prefix: string, given: DeskGiven & { conflicts: number; json?: boolean }) => {
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      const all = await desk.changes(id, given.conflicts);
      process.stdout.write(given.json === true ? all.map(jsonLine).join("") : changesText(all));
    });
}

function jsonLine({ database, tables, conflicts }: DatabaseChanges): string {
  return `${JSON.stringify({ event: "changes", database, tables, conflicts: conflicts.map((conflict) => ({ ...conflict, after: formatLsn(conflict.after) })) })}\n`;
}

function parseCount(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new InvalidArgumentError("A number is wanted.");
}
