import type { Command } from "commander";
import { newProgress } from "../../task/events.ts";
import type { MigrationOptions } from "../../plan/migration-options.ts";
import { type Endpoint, type Side, describeEndpoint } from "../../wire/endpoint.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { askYes, findAttendant, withPassword } from "../password-prompt.ts";
import { type Environment, addMigrationOptions, acceptedAlarms, addTaskOptions, otherEndpoint, taskOptions } from "../task-options.ts";
import { runTask, summaryOf } from "../task-run.ts";
import { withPasswords } from "./migrate.ts";

interface Given {
  readonly json?: boolean;
  readonly fix?: readonly string[];
  readonly sourceAdmin?: string;
  readonly targetAdmin?: string;
}

export function addCheckCommand(program: Command, { environment, exit }: CommandContext): void {
  const command = program.command("check").description("find out what stands in the way of a migration; changes nothing, unless --fix is told to");
  addMigrationOptions(addTaskOptions(command))
    .option("--fix <id...>", "show the SQL that mends these items, ask (not with --yes), run it, and check again")
    .option("--source-admin <uri>", "the account that runs SQL of --fix at the source; default: that of --source")
    .option("--target-admin <uri>", "the same at the target")
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: Given) => {
      const options = await withPasswords(await taskOptions(command, environment));
      if (given.fix !== undefined) await fix(given.fix, options, given, environment);
      await acceptedAlarms(options.accepted); // refuses what is no check before anything is looked at
      const started = performance.now();
      const code = await runTask({ json: given.json === true, environment }, async (hooks) => {
        const { checkOnly, judge } = await import("../../task/migrate.ts"); // not needed for --help and usage errors
        judge(await checkOnly(options, hooks), options);
        hooks.report({ event: "notice", level: "info", message: "Nothing stands in the way: the migration can start." });
        return summaryOf({ state: "succeeded" }, started);
      });
      exit(code);
    });
}

/** What is asked and run goes to stderr: stdout belongs to the checks. */
async function fix(ids: readonly string[], options: MigrationOptions, given: Given, environment: Environment): Promise<void> {
  const [{ checkOnly }, { refuseUnknownChecks }, { fixEndpoint, fixableItems, runFix }] = await Promise.all([
    import("../../task/migrate.ts"),
    import("../../precheck/run-prechecks.ts"),
    import("../../precheck/fix.ts"),
  ]);
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  refuseUnknownChecks(ids, "--fix");
  const toFix = fixableItems(await checkOnly(options, { report: () => undefined, progress: newProgress(), signal }), ids);
  const accounts: Record<Side, Endpoint> = {
    source: await accountOf("source", given.sourceAdmin, options.source, environment),
    target: await accountOf("target", given.targetAdmin, options.target, environment),
  };
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  for (const id of ids) if (!toFix.some((item) => item.id === id)) tell(`${id}: passed already, there is nothing to fix`);
  for (const item of toFix) {
    const endpoint = fixEndpoint(item, accounts);
    tell(`${item.id}: ${item.fix}\nto be run at ${describeEndpoint(endpoint)}:\n${item.fixSql.replaceAll(/^/gm, "    ")}`);
    if (!options.acceptAlarms && !(await askYes("Run it? [y/N] ", findAttendant(), signal))) {
      tell("not run");
      continue;
    }
    await runFix(item, endpoint, signal);
    tell("done");
  }
}

async function accountOf(side: Side, given: string | undefined, otherwise: Endpoint, environment: Environment): Promise<Endpoint> {
  return given === undefined ? otherwise : await withPassword(otherEndpoint(side, given, environment), findAttendant());
}
