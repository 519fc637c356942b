import type { Handlers } from "./handler.ts";
import { ACCESS_HANDLERS } from "./handlers/access.ts";
import { ALERT_HANDLERS } from "./handlers/alerts.ts";
import { EVENT_HANDLERS } from "./handlers/events.ts";
import { SERVER_HANDLERS } from "./handlers/servers.ts";
import { DETAIL_HANDLERS } from "./handlers/task-details.ts";
import { TASK_HANDLERS } from "./handlers/tasks.ts";

/** What answers each route of contract/routes.ts. */
export const HANDLERS: Handlers = { ...ACCESS_HANDLERS, ...TASK_HANDLERS, ...DETAIL_HANDLERS, ...EVENT_HANDLERS, ...SERVER_HANDLERS, ...ALERT_HANDLERS };
