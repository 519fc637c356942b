import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** A script of this folder as a process of its own. */
export interface Process {
  readonly pid: number;
  readonly child: ChildProcessWithoutNullStreams;
  /** Everything it printed. */
  readonly output: () => string;
  /** Resolves when it has printed this text. */
  saw(text: string): Promise<void>;
  /** Ends its input, and waits for its end. */
  leave(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const started: Process[] = [];

/** A script of a test as a process with one argument. */
export function run(script: URL, location: string, environment: Readonly<Record<string, string>> = {}): Process {
  const child = spawn(process.execPath, [fileURLToPath(script), location], { env: { PATH: process.env["PATH"] ?? "", ...environment } });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stdin.on("error", () => undefined);
  const exited = once(child, "close");
  const found: Process = {
    pid: child.pid ?? 0,
    child,
    output: () => output,
    saw: async (text) => {
      for (let attempt = 0; attempt < 1500 && child.exitCode === null && child.signalCode === null && !output.includes(text); attempt++) await pause(20);
      if (!output.includes(text)) throw new Error(`the process never said "${text}" but:\n${output}`);
    },
    leave: async () => {
      child.stdin.end();
      await exited;
    },
    kill: (signal) => void child.kill(signal),
  };
  started.push(found);
  return found;
}

/** For the end of a test: whatever it left running is killed. */
export async function killLeftovers(): Promise<void> {
  for (const left of started.splice(0)) {
    if (left.child.exitCode !== null || left.child.signalCode !== null) continue;
    left.kill("SIGKILL");
    await left.leave();
  }
}

/** Every process whose command line names this directory: what must be none when all have left. */
export async function processesOf(dir: string): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    const command = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "") : "";
    if (command.includes(dir)) found.push(Number(entry));
  }
  return found;
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
