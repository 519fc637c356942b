import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type Command, plainEnvironment } from "./measured-process.ts";
import { descendants } from "./process-tree.ts";
import { lastLines, withoutPasswords } from "./tools/command-output.ts";

/** A program that runs while something else is done: what it follows, it follows until it is told to stop. */
export interface RunningProcess {
  readonly pid: number | undefined;
  /** Resolves, never rejects, with how it ended: undefined for exit code 0. */
  readonly ended: Promise<string | undefined>;
  /** Resolves with the first line of its stdout, from the beginning on, that is wanted. Rejects when it ends before, or after `timeoutMs`. */
  line(wanted: (line: string) => boolean, timeoutMs: number): Promise<string>;
  /** Asks it to end (SIGINT, as Ctrl-C does), waits, and kills it and its children when it does not. */
  stop(patienceMs: number): Promise<void>;
}

const KEEP_LINES = 200;

export function startProcess(command: Command): RunningProcess {
  const child = spawn(command.program, command.args, { stdio: ["ignore", "pipe", "pipe"], env: { ...plainEnvironment(), ...command.environment } });
  const lines: string[] = [];
  const tail: string[] = [];
  const listeners = new Set<(line: string) => void>();
  const keep = (line: string): void => void (tail.push(line) > KEEP_LINES && tail.shift());
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    keep(line);
    for (const listener of listeners) listener(line);
  });
  createInterface({ input: child.stderr }).on("line", keep);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => {
      const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve(code === 0 ? undefined : withoutPasswords([`${command.label}: ${how}`, ...lastLines(tail.join("\n"))].join("\n")));
    });
  });
  return {
    get pid() {
      return child.pid;
    },
    ended,
    async line(wanted, timeoutMs) {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const look = (line: string): void => void (wanted(line) && resolve(line));
      listeners.add(look);
      for (const line of lines) look(line);
      void ended.then((how) => reject(new Error(how ?? `${command.label} ended before it said what was waited for`)));
      const timeout = setTimeout(() => reject(new Error(`${command.label} did not say within ${timeoutMs / 1000} s what was waited for`)), timeoutMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timeout);
        listeners.delete(look);
      }
    },
    async stop(patienceMs) {
      child.kill("SIGINT");
      const impatient = setTimeout(() => void killFamily(child), patienceMs);
      await ended;
      clearTimeout(impatient);
    },
  };
}

/** Children that stay would hold its output open: it would never be at its end. */
async function killFamily(child: ChildProcess): Promise<void> {
  const family = child.pid === undefined ? [] : await descendants(child.pid);
  child.kill("SIGKILL");
  for (const pid of family) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it has ended meanwhile
    }
  }
}
