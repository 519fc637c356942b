import type { Command } from "commander";

export function addPlanSchemaCommand(program: Command): void {
  program
    .command("plan-schema")
    .description("print the JSON Schema of a plan file (--plan)")
    .action(async () => {
      const { planJsonSchema } = await import("../../task/plan-schema.ts");
      process.stdout.write(`${JSON.stringify(planJsonSchema(), null, 2)}\n`);
    });
}
