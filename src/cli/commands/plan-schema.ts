import type { Command } from "commander";
import { planJsonSchema } from "../plan-schema.ts";

export function addPlanSchemaCommand(program: Command): void {
  program
    .command("plan-schema")
    .description("print the JSON Schema of a plan file (--plan)")
    .action(() => void process.stdout.write(`${JSON.stringify(planJsonSchema(), null, 2)}\n`));
}
