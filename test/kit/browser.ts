import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Where this machine has Chromium: GODWIT_CHROMIUM, or in the PATH; undefined where it has none. */
export function findChromium(): string | undefined {
  const given = process.env["GODWIT_CHROMIUM"];
  if (given !== undefined) return given;
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.flatMap((directory) => NAMES.map((name) => join(directory, name))).find((path) => existsSync(path));
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  return await chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** The console as it is in the tree now, not as it was built at the last `npm ci`. */
export function buildConsole(): void {
  execFileSync("npm", ["run", "-s", "build"], { cwd: fileURLToPath(new URL("../..", import.meta.url)), stdio: "pipe", env: { ...process.env, NODE_ENV: "production" } });
}
