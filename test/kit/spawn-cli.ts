import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stateDirectory } from "./state-directory.ts";

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcessWithoutNullStreams;
  readonly finished: Promise<CliResult>;
  /** Resolves when stdout or stderr holds this text; rejects when the process ends before. */
  saw(text: string): Promise<void>;
  /** What it printed so far. */
  output(): Omit<CliResult, "code">;
}

/** Without it, a process takes no notice of GODWIT_MUTATION and GODWIT_FAILPOINT. */
const ARM = new URL("arm.ts", import.meta.url).href;

/** Starts the command line as a user does, for tests; nothing of this process' environment but PATH is handed on, and a state directory of the test's own. */
export function spawnCli(args: readonly string[], environment: Record<string, string> = {}): RunningCli {
  const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", ARM, main, ...args], { env: { PATH: process.env["PATH"] ?? "", GODWIT_DIR: stateDirectory(), ...environment } });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const finished = new Promise<CliResult>((resolve) => child.once("close", (code) => resolve({ code, ...output })));
  const saw = async (text: string): Promise<void> => {
    for (let attempt = 0; attempt < 600 && child.exitCode === null; attempt++) {
      if (`${output.stdout}${output.stderr}`.includes(text)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the process never said "${text}" but ${JSON.stringify(output)}`);
  };
  return { process: child, finished, saw, output: () => output };
}

/** Runs the command line to its end. */
export async function runCli(args: readonly string[], environment: Record<string, string> = {}): Promise<CliResult> {
  return await spawnCli(args, environment).finished;
}

/** The objects of --json. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
