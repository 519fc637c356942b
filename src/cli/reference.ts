import type { Command } from "commander";

/** The reference page of the command line, from the commands themselves; a test holds docs/reference/cli.md equal to it. */
export function cliReference(program: Command): string {
  const parts = ["# Command line", "<!-- Made from the commands: `vitest run --project unit -u src/cli/program.test.ts` writes it. -->", fenced(helpOf(program))];
  for (const command of program.commands) {
    parts.push(`## godwit ${command.name()}`, fenced(helpOf(command)));
    for (const inner of command.commands) parts.push(`### godwit ${command.name()} ${inner.name()}`, fenced(helpOf(inner)));
  }
  return `${parts.join("\n\n")}\n`;
}

function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => void (text += part), getOutHelpWidth: () => 120 });
  command.outputHelp();
  return text;
}

function fenced(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
