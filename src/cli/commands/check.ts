import type { Command } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { CheckItem } from "../../precheck/check.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { countOf } from "../render/figures.ts";
import { addMigrationOptions, addTaskOptions, taskOptions } from "../task-options.ts";
import { runTask, summaryOf } from "../task-run.ts";
import { withPasswords } from "./migrate.ts";

export function addCheckCommand(program: Command, { environment, exit }: CommandContext): void {
  const command = program.command("check").description("find out what stands in the way of a migration; changes nothing");
  addMigrationOptions(addTaskOptions(command))
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: { json?: boolean }) => {
      const options = await withPasswords(await taskOptions(command, environment));
      const started = performance.now();
      const code = await runTask({ json: given.json === true, environment }, async (hooks) => {
        const { checkOnly } = await import("../../task/migrate.ts"); // not needed for --help and usage errors
        judge(await checkOnly(options, hooks), options.acceptAlarms);
        hooks.report({ event: "notice", level: "info", message: "Nothing stands in the way: the migration can start." });
        return summaryOf({ state: "succeeded" }, started);
      });
      exit(code);
    });
}

/** Ends as the migration would end. */
function judge(items: readonly CheckItem[], acceptAlarms: boolean): void {
  const failed = items.filter((item) => item.result === "failed").length;
  const alarms = items.filter((item) => item.result === "alarm").length;
  if (failed > 0) throw new GodwitError("precheck-failed", `${countOf(failed, "check")} failed`, { advice: "Follow the fix printed with each failed check, then check again." });
  if (alarms > 0 && !acceptAlarms) {
    throw new GodwitError("precheck-alarm", `${countOf(alarms, "alarm")} raised`, { advice: "Read them: --yes accepts them all; or follow their fixes, then check again." });
  }
}
