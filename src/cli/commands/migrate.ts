import type { Command } from "commander";
import type { MigrationOptions } from "../../task/options.ts";
import { describeEndpoint } from "../../wire/endpoint.ts";
import { findAttendant, withPassword } from "../password-prompt.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { addMigrationOptions, addTaskOptions, taskOptions } from "../task-options.ts";
import { runTask } from "../task-run.ts";

export function addMigrateCommand(program: Command, { environment, exit }: CommandContext): void {
  const command = program.command("migrate").description("move structure and data from source to target");
  addMigrationOptions(addTaskOptions(command))
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: { json?: boolean }) => {
      const options = await withPasswords(await taskOptions(command, environment));
      const code = await runTask(
        { json: given.json === true, environment },
        async (hooks) => {
          const { migrate } = await import("../../task/migrate.ts"); // not needed for --help and usage errors
          hooks.report({ event: "notice", level: "info", message: describeTask(options) });
          return await migrate(options, hooks);
        },
        BEFORE_WRITING,
        AT_ONCE,
      );
      exit(code);
    });
}

/** Asks for what is missing, before anything is drawn on the terminal. */
export async function withPasswords(options: MigrationOptions): Promise<MigrationOptions> {
  const attendant = findAttendant();
  const source = await withPassword(options.source, attendant);
  return { ...options, source, target: await withPassword(options.target, attendant) };
}

function describeTask(options: MigrationOptions): string {
  const what = options.type === "full" ? "Structure and data" : "Structure only";
  const scope = options.instance ? ", all databases and roles" : "";
  return `${what}${scope}: ${describeEndpoint(options.source)} → ${describeEndpoint(options.target)}`;
}

/** Once something may have been written, the migration itself looks what is there (see tellLeftovers). */
const BEFORE_WRITING = "Nothing was written yet: run the same command again.";
const AT_ONCE = "What was written until then is still on the target: empty the database there (drop and create it), then run the same command again.";
