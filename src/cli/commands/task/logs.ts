import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { isResting } from "../../../task/states.ts";
import type { LogLine } from "../../../task/task-record.ts";
import type { CommandContext } from "../../command-context.ts";
import { INTERRUPTED, listenForInterrupt } from "../../interrupt.ts";
import { paintWith, wantsColour } from "../../render/output.ts";
import { type DeskGiven, addDeskOptions, openDesk } from "../../desk/open-desk.ts";

const LOOK_EVERY_MS = 250;
const LINES_AT_ONCE = 1000;

export function addLogsCommand(task: Command, { environment, exit }: CommandContext): void {
  addDeskOptions(task.command("logs").description("what a task's runs have told").argument("<id>", "the task's id, or its beginning"))
    .option("--follow", "go on with what comes, until the task rests: it has ended, failed, or is paused")
    .addOption(new Option("--after <line>", "only lines behind this one (its number, see --json)").argParser(parseLine).default("0"))
    .option("--debug", "also each object that was made")
    .option("--json", "one JSON object per line")
    .action(async (prefix: string, given: DeskGiven & { follow?: boolean; after: string; debug?: boolean; json?: boolean }) => {
      const paint = paintWith(wantsColour(process.stdout, environment));
      const print = ({ id: line, at, level, message, event }: LogLine): void => {
        if (given.json === true) process.stdout.write(`${JSON.stringify({ event: "log", line: Number(line), at, level, message, of: event })}\n`);
        else {
          const mark = level === "error" ? paint.bad("error: ") : level === "warning" ? paint.warn("warning: ") : "";
          process.stdout.write(`${at.toISOString().slice(0, 19)}Z ${mark}${message}\n`);
        }
      };
      using interrupt = listenForInterrupt(
        () => undefined,
        () => undefined,
      );
      await using desk = await openDesk(given, environment);
      const id = await desk.findByPrefix(prefix);
      for (let after = given.after; !interrupt.signal.aborted;) {
        const { task } = await desk.find(id);
        const lines = await desk.logs(id, { after, limit: LINES_AT_ONCE, debug: given.debug === true });
        for (const line of lines) print(line);
        after = lines.at(-1)?.id ?? after;
        if (lines.length === LINES_AT_ONCE) continue;
        if (given.follow !== true || isResting(task)) return;
        await sleep(LOOK_EVERY_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
      }
      exit(INTERRUPTED);
    });
}

function parseLine(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError("The number of a line is wanted.");
}
