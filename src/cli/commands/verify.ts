import type { Command } from "commander";
import { GodwitError } from "../../errors/godwit-error.ts";
import { CONNECTION_HELP, type CommandContext } from "../command-context.ts";
import { countOf } from "../render/figures.ts";
import { addTaskOptions, taskOptions } from "../task-options.ts";
import { runTask, summaryOf } from "../task-run.ts";
import { withPasswords } from "./migrate.ts";

const FOLLOWED_HELP = `
While a task follows changes, rows that differ are looked at again after the target has passed what the source showed; only differences that last count. The exit
code is 3 (data-unsettled) when some table cannot be decided on: its rows kept changing through all looks, or the target did not come on.`;

export function addVerifyCommand(program: Command, { environment, exit }: CommandContext): void {
  const command = program.command("verify").description("compare every table of source and target, row by row");
  addTaskOptions(command)
    .option("--json", "one JSON object per line; the last is the summary")
    .addHelpText("after", FOLLOWED_HELP)
    .addHelpText("after", CONNECTION_HELP)
    .action(async (given: { json?: boolean }) => {
      const options = await withPasswords(await taskOptions(command, environment));
      const started = performance.now();
      const code = await runTask({ json: given.json === true, environment }, async (hooks) => {
        const { verifyDatabases } = await import("../../task/verify-databases.ts"); // not needed for --help and usage errors
        hooks.progress.step = "verify";
        hooks.report({ event: "step", step: "verify", state: "started" });
        const { tables, rows, differences, seconds } = await verifyDatabases(options, hooks);
        hooks.report({ event: "step", step: "verify", state: "finished", seconds });
        if (differences > 0) throw new GodwitError("data-differ", formatDiffering(differences, tables));
        return summaryOf({ state: "succeeded", tables, rows, verifiedTables: tables }, started);
      });
      exit(code);
    });
}

function formatDiffering(differences: number, tables: number): string {
  return `${countOf(differences, "table")} of ${tables} ${differences === 1 ? "differs" : "differ"} between source and target`;
}
