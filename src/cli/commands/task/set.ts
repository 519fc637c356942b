import { type Command, Option } from "commander";
import { GodwitError } from "../../../errors/godwit-error.ts";
import type { CommandContext } from "../../command-context.ts";
import { nameOption, parseRate, tagOption } from "../../new-task-options.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";
import { answer } from "../../task-answer.ts";
import { parseConcurrency } from "../../task-options.ts";

interface Given extends DeskGiven {
  readonly concurrency?: number;
  readonly rateLimit?: number | "none";
  readonly tag?: Record<string, string>;
  readonly name?: string;
  readonly json?: boolean;
}

export function addSetCommand(task: Command, { environment }: CommandContext): void {
  addDeskOptions(task.command("set").description("change settings of a task, also while it runs").argument("<id>", "the task's id, or its beginning"))
    .addOption(new Option("--concurrency <n>", "how many tables, chunks or indexes are worked on at once").argParser(parseConcurrency))
    .addOption(new Option("--rate-limit <MB/s>", "move at most this much in a second; none: no limit").argParser((text: string) => (text === "none" ? text : parseRate(text))))
    .addOption(tagOption("a tag to add or change; may be given several times"))
    .addOption(nameOption("another name"))
    .option("--json", "as one JSON object")
    .action(async (prefix: string, { concurrency, rateLimit, tag, name, json, ...given }: Given) => {
      const change = {
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(rateLimit === undefined ? {} : { rateLimit: rateLimit === "none" ? null : rateLimit }),
        ...(tag === undefined ? {} : { tags: tag }),
        ...(name === undefined ? {} : { name }),
      };
      if (Object.keys(change).length === 0) throw new GodwitError("usage", "nothing to set: give --concurrency, --rate-limit, --tag or --name");
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      await desk.set(id, change);
      await answer(desk, id, json === true, environment);
    });
}
