import type { Command } from "commander";
import type { MigrationOptions } from "../../plan/migration-options.ts";
import type { NewTask } from "../../task/task-record.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { askPassFile } from "../../wire/pass-file.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { type NewTaskGiven, addNewTaskOptions } from "../new-task-options.ts";
import { findAttendant, withPassword } from "../password-prompt.ts";
import { type StoreGiven, addStoreOptions, storeLocation } from "../store-options.ts";
import { acceptedAlarms, addMigrationOptions, addTaskOptions, taskOptions } from "../task-options.ts";
import { runTask } from "../task-run.ts";

/** How long tasks that ended are kept: migrate's own worker keeps house as `godwit worker` does by default. */
const KEEP_ENDED_MS = 30 * 86_400_000;

export function addMigrateCommand(program: Command, { environment, exit }: CommandContext): void {
  const command = program.command("migrate").description("move structure and data from source to target; run again, it goes on where it was interrupted");
  addStoreOptions(addNewTaskOptions(addMigrationOptions(addTaskOptions(command))))
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: StoreGiven & NewTaskGiven & { json?: boolean }) => {
      const location = storeLocation(given, environment);
      const options = await withPasswords(await taskOptions(command, environment));
      const code = await runTask(
        { json: given.json === true, environment },
        async (hooks) => {
          hooks.report({ event: "notice", level: "info", message: describeTask(options) });
          // Not needed for --help and usage errors.
          const [{ openTasks }, { migrateDurably }, { prepareDump }] = await Promise.all([
            import("../../task/open-tasks.ts"),
            import("../../task/durable-migration.ts"),
            import("../../structure/dump.ts"),
          ]);
          if (options.pgDump === undefined) prepareDump();
          const log = (message: string): void => hooks.report({ event: "notice", level: "warning", message });
          await using opened = await openTasks(location, log);
          const worker = { retryForMs: given.retryFor, keepEndedForMs: KEEP_ENDED_MS, log };
          return await migrateDurably(opened, await newTask(options, given), worker, hooks);
        },
        BEFORE_WRITING,
        AT_ONCE,
      );
      exit(code);
    });
}

/** What a store is asked to keep. Who accepted which alarms when is kept beside what was asked for. */
export async function newTask({ accepted, ...options }: MigrationOptions, { name, tag, rateLimit, retryFor }: NewTaskGiven): Promise<NewTask> {
  return {
    accepted: await acceptedAlarms(accepted),
    options: { ...options, source: complete(options.source), target: complete(options.target) },
    retryForMs: retryFor,
    ...(name === undefined ? {} : { name }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
  };
}

/** Workers on other machines have other password files. */
function complete(endpoint: Endpoint): Endpoint {
  return { ...endpoint, password: endpoint.password ?? askPassFile(endpoint).password };
}

/** Asks for what is missing, before anything is drawn on the terminal. */
export async function withPasswords(options: MigrationOptions): Promise<MigrationOptions> {
  const attendant = findAttendant();
  const source = await withPassword(options.source, attendant);
  return { ...options, source, target: await withPassword(options.target, attendant) };
}

const MOVES: Readonly<Record<MigrationOptions["type"], string>> = {
  structure: "Structure only",
  full: "Structure and data",
  "full+incremental": "Structure, data, and every change until Complete",
};

function describeTask(options: MigrationOptions): string {
  const what = MOVES[options.type];
  const scope = options.instance ? ", all databases and roles" : "";
  return `${what}${scope}: ${describeEndpoint(options.source)} → ${describeEndpoint(options.target)}`;
}

/** Once there is a task, the migration itself says how it goes on. */
const BEFORE_WRITING = "Nothing was written yet: run the same command again.";
const AT_ONCE = "The next worker goes on with its task: run the same command again, or give the task up (`godwit task list` tells its id, `godwit task terminate ID`).";
