import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandContext } from "../command-context.ts";
import { runTask } from "../task-run.ts";

export function addDemoCommand(program: Command, { environment, exit }: CommandContext): void {
  program
    .command("demo")
    .description("see a whole migration between two throw-away servers on this machine; leaves nothing behind")
    .addOption(new Option("--scale <n>", "size of the sample: 1 is about 75 MB").argParser(parseScale).default(2))
    .option("--json", "one JSON object per line; the last is the summary")
    .action(async (given: { scale: number; json?: boolean }) => {
      const code = await runTask(
        { json: given.json === true, environment },
        async (hooks) => {
          const { runDemo } = await import("../../demo/demo.ts"); // not needed for --help and usage errors
          try {
            return await runDemo(given.scale, hooks);
          } catch (error) {
            hooks.signal.throwIfAborted(); // what its migration would say of the target no longer holds
            throw error;
          }
        },
        "Both servers are gone; run it again whenever you like.",
      );
      exit(code);
    });
}

function parseScale(text: string): number {
  const scale = Number(text);
  if (scale > 0 && scale <= 100) return scale;
  throw new InvalidArgumentError("A number above 0, up to 100, is wanted.");
}
