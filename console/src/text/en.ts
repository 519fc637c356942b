import { access } from "./en/access.ts";
import { create } from "./en/create.ts";
import { settings } from "./en/settings.ts";
import { shell } from "./en/shell.ts";
import { task } from "./en/task.ts";
import { words } from "./en/words.ts";

export const en = { access, create, settings, shell, task, words };
