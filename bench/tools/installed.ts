import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What a program on the PATH prints for its version, or undefined when it cannot be run. */
export async function versionOf(program: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(program, args);
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** All that a program prints when asked for help: some print it to stderr, or with an exit code. */
export async function helpOf(program: string, ...args: readonly string[]): Promise<string> {
  return await new Promise((resolve) => execFile(program, args, (_error, stdout, stderr) => resolve(stdout + stderr)));
}

/** The major of the pg_dump on the PATH. It reads servers up to its own major, so it decides which servers can be compared. */
export async function clientMajor(): Promise<number | undefined> {
  const major = /\(PostgreSQL\) (\d+)/.exec((await versionOf("pg_dump", "--version")) ?? "")?.[1];
  return major === undefined ? undefined : Number(major);
}
