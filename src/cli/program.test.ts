import { expect, it } from "vitest";
import { buildProgram } from "./program.ts";
import { cliReference } from "./reference.ts";

const program = buildProgram({ environment: {}, exit: () => undefined });

it("the reference page says what --help says", async () => {
  await expect(cliReference(program)).toMatchFileSnapshot("../../docs/reference/cli.md");
});

it("every command that runs a task speaks JSON, and every option says what it does", () => {
  const leaves = program.commands.flatMap((command) => (command.commands.length === 0 ? [command] : command.commands));
  const tasks = leaves.filter((command) => !["plan-schema", "help"].includes(command.name()));
  expect(tasks.map((command) => command.name())).toEqual([
    "migrate", "check", "ping", "verify",
    "create", "list", "show", "check", "start", "pause", "resume", "retry", "complete", "terminate", "accept", "set", "changes", "logs", "delete",
    "serve", "worker", "demo",
  ]); // prettier-ignore
  for (const command of tasks) expect(command.options.map((option) => option.long)).toContain("--json");
  for (const option of leaves.flatMap((command) => command.options)) expect(option.description).not.toBe("");
});
