import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { type StoreGiven, addStoreOptions, openGivenStore } from "../store-options.ts";
import { maskPasswords } from "../../task/mask-passwords.ts";

export const DAY_MS = 86_400_000;
/** For tasks that say nothing about it. */
export const RETRY_FOR_MS = 12 * 3_600_000;

export function addWorkerCommand(program: Command, { environment }: CommandContext): void {
  addStoreOptions(program.command("worker").description("work on the tasks of a store, beside other workers or alone, until Ctrl-C or SIGTERM"))
    .addOption(keepEndedOption())
    .option("--json", "one JSON object per line")
    .action(async (given: StoreGiven & { keepEnded: number; json?: boolean }) => {
      const say = (sentence: string): void => {
        const [time, message] = [new Date().toISOString(), maskPasswords(sentence)];
        process.stdout.write(given.json === true ? `${JSON.stringify({ event: "worker", time, message })}\n` : `${time.slice(11, 19)} ${message}\n`);
      };
      using interrupt = listenForInterrupt(
        () => say("stops: what it works on is given back"),
        () => say("ended at once: what it worked on is taken over by another worker, or by the next one"),
      );
      const asked = new Promise<void>((resolve) => interrupt.signal.addEventListener("abort", () => resolve(), { once: true }));
      await using opened = await openGivenStore(given, environment);
      const { startWorker } = await import("../../task/worker.ts");
      const worker = await startWorker({ ...opened, retryForMs: RETRY_FOR_MS, keepEndedForMs: given.keepEnded * DAY_MS, log: say });
      say(`works on the tasks of ${opened.store.description}; Ctrl-C ends it`);
      await asked;
      await worker.stop();
    });
}

/** Of every command that runs a worker. */
export function keepEndedOption(): Option {
  return new Option("--keep-ended <days>", "forget tasks, and their logs, this long after their end").argParser(parseDays).default(30);
}

function parseDays(text: string): number {
  const days = Number(text);
  if (text.trim() !== "" && days >= 0 && days <= 36_500) return days;
  throw new InvalidArgumentError("A number of days is wanted.");
}
