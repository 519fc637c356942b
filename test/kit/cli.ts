import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { stateDirectory } from "./state-directory.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in no particular order. */
  readonly text: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with everything printed so far, whenever more comes. */
  readonly onOutput?: (text: string) => void;
  readonly timeLimitMs?: number;
}

/** Runs the real command line in a process of its own, as a user does, with an environment that holds nothing of ours. Ends it after the time limit, which fails the test. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, HOME, GODWIT_DIR: stateDirectory(), ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  const onData = (): void => options.onOutput?.(stdout + stderr);
  child.stdout.setEncoding("utf8").on("data", (part: string) => ((stdout += part), onData()));
  child.stderr.setEncoding("utf8").on("data", (part: string) => ((stderr += part), onData()));
  const timer = setTimeout(() => child.kill("SIGKILL"), options.timeLimitMs ?? 60_000);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  expect(child.signalCode, `the command had to be killed:\n${stdout}${stderr}`).toBeNull();
  return { code, stdout, stderr, text: stdout + stderr };
}

/** What every failure owes its reader: the agreed exit code, a code and words, no stack trace, no secret. */
export function expectFailure(result: CliResult, expected: { readonly exit: number; readonly says: readonly (string | RegExp)[]; readonly secrets?: readonly string[] }): void {
  expect(result.code, result.text).toBe(expected.exit);
  for (const part of expected.says)
    expect(result.text.replaceAll(/\n\s*/g, " ")).toMatch(part instanceof RegExp ? part : new RegExp(part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)));
  expect(result.text).not.toMatch(/\n\s+at .*[:(]\d+/); // a stack trace
  for (const secret of expected.secrets ?? []) expect(result.text).not.toContain(secret);
}
