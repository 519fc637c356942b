import { access } from "./zh/access.ts";
import { create } from "./zh/create.ts";
import { settings } from "./zh/settings.ts";
import { shell } from "./zh/shell.ts";
import { task } from "./zh/task.ts";
import { words } from "./zh/words.ts";
import type { Text } from "./text.ts";

export const zh: Text = { access, create, settings, shell, task, words };
