import type { Command } from "commander";
import type { CommandContext } from "../command-context.ts";
import { addAcceptCommand } from "./task/accept.ts";
import { addActionCommands } from "./task/act.ts";
import { addChangesCommand } from "./task/changes.ts";
import { addCreateCommand } from "./task/create.ts";
import { addDeleteCommand } from "./task/delete.ts";
import { addListCommand } from "./task/list.ts";
import { addLogsCommand } from "./task/logs.ts";
import { addSetCommand } from "./task/set.ts";
import { addShowCommand } from "./task/show.ts";

/** `godwit task …`: durable migrations, done by workers. */
export function addTaskCommand(program: Command, context: CommandContext): void {
  const task = program.command("task").description("migrations as tasks: create, watch and steer them; workers do them");
  addCreateCommand(task, context);
  addListCommand(task, context);
  addShowCommand(task, context);
  addActionCommands(task, context);
  addAcceptCommand(task, context);
  addSetCommand(task, context);
  addChangesCommand(task, context);
  addLogsCommand(task, context);
  addDeleteCommand(task, context);
}
