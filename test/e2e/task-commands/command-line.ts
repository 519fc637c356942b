import { expect } from "vitest";
import { jsonLines, runCli } from "../../kit/spawn-cli.ts";

/** One task as `--json` tells it. */
export interface ToldTask {
  readonly event: "task";
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly run: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly allowedActions: readonly string[];
  readonly error: { readonly code: string; readonly advice: string } | null;
  readonly summary: { readonly tables: number; readonly rows: number } | null;
  readonly progress: { readonly step: string; readonly lanes: readonly { readonly doing: string }[] } | null;
  readonly notice?: string;
}

/** `godwit task …` on one store. */
export function commandLine(directory: string) {
  const environment = { GODWIT_DIR: directory };
  const task = async (...args: string[]): Promise<ToldTask> => {
    const { code, stdout, stderr } = await runCli(["task", ...args, "--json"], environment);
    expect(code, stdout + stderr).toBe(0);
    return jsonLines(stdout)[0] as unknown as ToldTask;
  };
  return {
    environment,
    task,
    list: async (...args: string[]): Promise<ToldTask[]> => {
      const { code, stdout } = await runCli(["task", "list", ...args, "--json"], environment);
      expect(code).toBe(0);
      return stdout === "" ? [] : (jsonLines(stdout) as unknown as ToldTask[]);
    },
    reaches: async (id: string, ...states: string[]): Promise<ToldTask> => {
      for (let attempt = 0; attempt < 150; attempt++) {
        const told = await task("show", id);
        if (states.includes(told.state)) return told;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { stdout } = await runCli(["task", "logs", id], environment);
      throw new Error(`task ${id} never became ${states.join(" or ")}:\n${stdout}`);
    },
  };
}
