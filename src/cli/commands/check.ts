import type { Command } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { CheckItem } from "../../precheck/check.ts";
import { newProgress } from "../../task/events.ts";
import type { MigrationOptions } from "../../task/options.ts";
import { type Endpoint, type Side, describeEndpoint } from "../../wire/endpoint.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { askYes, findAttendant, withPassword } from "../password-prompt.ts";
import { countOf } from "../render/figures.ts";
import { type Environment, addMigrationOptions, acceptedAlarms, addTaskOptions, otherEndpoint, taskOptions } from "../task-options.ts";
import { runTask, summaryOf } from "../task-run.ts";
import { withPasswords } from "./migrate.ts";

interface Given {
  readonly json?: boolean;
  readonly accept?: readonly string[];
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
      const accepted = (await acceptedAlarms(given.accept)).map(({ check }) => check);
      const started = performance.now();
      const code = await runTask({ json: given.json === true, environment }, async (hooks) => {
        const { checkOnly } = await import("../../task/migrate.ts"); // not needed for --help and usage errors
        judge(await checkOnly(options, hooks), options.acceptAlarms, accepted);
        hooks.report({ event: "notice", level: "info", message: "Nothing stands in the way: the migration can start." });
        return summaryOf({ state: "succeeded" }, started);
      });
      exit(code);
    });
}

/** Ends as the migration would end. */
function judge(items: readonly CheckItem[], acceptAlarms: boolean, accepted: readonly string[]): void {
  const failed = items.filter((item) => item.result === "failed").length;
  const alarms = items.filter((item) => item.result === "alarm" && !accepted.includes(item.id)).length;
  if (failed > 0) throw new GodwitError("precheck-failed", `${countOf(failed, "check")} failed`, { advice: "Follow the fix printed with each failed check, then check again." });
  if (alarms > 0 && !acceptAlarms) {
    throw new GodwitError("precheck-alarm", `${countOf(alarms, "alarm")} raised`, {
      advice: "Read them: --yes accepts them all, --accept CHECK those of one check; or follow their fixes, then check again.",
    });
  }
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
