import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { jsonLines, spawnCli } from "../../test/kit/spawn-cli.ts";

/** A temporary directory of its own, to see what is left in it; open to the uid that servers run as. */
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "godwit-demo-"));
  chmodSync(directory, 0o755);
  return directory;
}

async function emptied(directory: string): Promise<string[]> {
  for (let attempt = 0; attempt < 100 && readdirSync(directory).length > 0; attempt++) await new Promise((resolve) => setTimeout(resolve, 50));
  return readdirSync(directory);
}

it("the demo moves the sample shop, compares it, and leaves nothing behind", async () => {
  const directory = temporaryDirectory();
  const { HOME = "" } = process.env;
  const result = await spawnCli(["demo", "--scale", "0.05", "--json"], { TMPDIR: directory, HOME }).finished;
  const lines = jsonLines(result.stdout);
  expect(lines.at(-1)).toMatchObject({ event: "summary", state: "succeeded", databases: 1, roles: 7, largeObjects: 12, materializedViews: 2 });
  expect(lines.filter((line) => line["event"] === "notice" && line["level"] === "warning")).toEqual([]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(await emptied(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

it.each([
  ["SIGINT", 130],
  ["SIGKILL", null],
] as const)("the demo leaves nothing behind after %s", async (signal, code) => {
  const directory = temporaryDirectory();
  const { HOME = "" } = process.env;
  const cli = spawnCli(["demo", "--scale", "0.05"], { TMPDIR: directory, HOME });
  await cli.saw("PostgreSQL 14 is up");
  cli.process.kill(signal);
  expect((await cli.finished).code).toBe(code);
  expect(await emptied(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

it.each([0, 30, 100, 200])("a demo that is killed %i ms after its first file leaves nothing behind", async (afterMs) => {
  const directory = temporaryDirectory();
  const { HOME = "" } = process.env;
  const cli = spawnCli(["demo", "--scale", "0.05"], { TMPDIR: directory, HOME });
  while (readdirSync(directory).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  cli.process.kill("SIGKILL");
  await cli.finished;
  expect(await emptied(directory)).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 300)); // a server that was just starting
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});
