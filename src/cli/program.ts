import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { newProgress } from "../task/events.ts";
import type { CommandContext } from "./command-context.ts";
import { addCheckCommand } from "./commands/check.ts";
import { addDemoCommand } from "./commands/demo.ts";
import { addMigrateCommand } from "./commands/migrate.ts";
import { addPingCommand } from "./commands/ping.ts";
import { addPlanSchemaCommand } from "./commands/plan-schema.ts";
import { addServeCommand } from "./commands/serve.ts";
import { addTaskCommand } from "./commands/task.ts";
import { addVerifyCommand } from "./commands/verify.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import { maskEvent } from "../task/mask-passwords.ts";
import { printableEvent } from "./render/printable.ts";
import { errorText } from "./render/error-text.ts";
import { paintWith, tolerateClosedOutput, wantsColour } from "./render/output.ts";
import { openReporter } from "./render/reporter.ts";
import type { Environment } from "./task-options.ts";
import { errorEvent, exitCodeOf, printForDevelopers, summaryOf } from "./task-run.ts";

/** They answer about tasks, which are summed up at their own end. */
const WITHOUT_SUMMARY: ReadonlySet<string | undefined> = new Set(["task", "worker", "serve"]);

/** Parses the arguments (without node and script), runs the command, and returns the exit code. Never throws. */
export async function run(args: readonly string[], environment: Environment): Promise<number> {
  const started = performance.now();
  tolerateClosedOutput(process.stdout);
  tolerateClosedOutput(process.stderr);
  process.on("uncaughtException", (cause) => {
    printError(asGodwitError(cause), environment);
    printForDevelopers(cause, environment);
    process.exit(4); // a reporter gives the terminal back on exit
  });
  let code = 0;
  try {
    await buildProgram({ environment, exit: (given) => (code = given) }).parseAsync(args, { from: "user" });
    return code;
  } catch (cause) {
    if (cause instanceof CommanderError && (cause.exitCode === 0 || cause.code === "commander.help")) return cause.exitCode === 0 ? 0 : 2;
    const error = cause instanceof CommanderError ? usageError(cause) : asGodwitError(cause);
    printForDevelopers(cause, environment);
    if (args.includes("--json")) {
      using reporter = openReporter(newProgress(), { json: true, environment });
      reporter.report(errorEvent(error));
      if (!WITHOUT_SUMMARY.has(args[0])) reporter.report(summaryOf({ state: "failed" }, started));
    } else printError(error, environment);
    return exitCodeOf(error);
  }
}

function printError(error: GodwitError, environment: Environment): void {
  const paint = paintWith(wantsColour(process.stderr, environment));
  process.stderr.write(`${errorText(printableEvent(maskEvent(errorEvent(error))), paint, Math.max(40, process.stderr.columns ?? 120)).join("\n")}\n`);
}

/** The whole command line. Exported for the generated reference. */
export function buildProgram(context: CommandContext): Command {
  const program = new Command("godwit");
  program
    .description("Moves PostgreSQL databases to other PostgreSQL servers: structure, data, proof of equality.")
    .version(packageJson.version)
    .exitOverride()
    // Errors are printed by `run`, with a code and in one form; these settings pass to the commands below.
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(true)
    .addHelpText("after", HELP);
  addMigrateCommand(program, context);
  addCheckCommand(program, context);
  addPingCommand(program, context);
  addVerifyCommand(program, context);
  addTaskCommand(program, context);
  addServeCommand(program, context);
  addWorkerCommand(program, context);
  addDemoCommand(program, context);
  addPlanSchemaCommand(program);
  return program;
}

/** commander's message is "error: unknown option '--foo'\n(Did you mean --bar?)". */
function usageError(error: CommanderError): GodwitError {
  const message = error.message
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(/\p{Cc}/gu, "�"); // it quotes what was typed
  return new GodwitError("usage", message, { cause: error });
}

const HELP = `
Start with:
  godwit demo                                        see a whole migration in half a minute, on this machine alone
  godwit ping    --source URI --target URI           do both servers answer, step by step?
  godwit check   --source URI --target URI           what stands in the way? changes nothing
  godwit migrate --source URI --target URI --verify  structure, data, comparison; run again after an interruption, it goes on
  godwit serve                                       the web console and the API
  godwit task list                                   every migration that was begun; see godwit task --help

Exit codes: 0 done; 1 the answer is no (a check failed, data differ); 2 usage; 3 failed, can be tried again;
4 failed for good; 130 interrupted.`;
