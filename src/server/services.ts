import type { Control } from "../engine/control.ts";
import type { Store } from "../engine/store.ts";
import type { OpenTasks } from "../task/open-tasks.ts";
import type { TaskStore } from "../task/task-store.ts";
import { TaskViews } from "../task/task-views.ts";
import { Verifications } from "../task/verification.ts";
import { Accounts } from "./access/accounts.ts";
import { Audit } from "./access/audit.ts";
import { Sessions } from "./access/sessions.ts";
import { Tokens } from "./access/tokens.ts";
import { Webhooks } from "./alerts/webhooks.ts";

/** What the server's handlers work with; all of it keeps its state in the store alone. */
export interface Services {
  readonly store: Store;
  readonly tasks: TaskStore;
  readonly control: Control;
  readonly views: TaskViews;
  readonly verifications: Verifications;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly audit: Audit;
  readonly webhooks: Webhooks;
}

export function makeServices({ store, tasks, control, queries, secrets }: OpenTasks): Services {
  const accounts = new Accounts(queries);
  return {
    store,
    tasks,
    control,
    views: new TaskViews(queries),
    verifications: new Verifications(queries),
    accounts,
    sessions: new Sessions(queries, accounts),
    tokens: new Tokens(queries),
    audit: new Audit(queries),
    webhooks: new Webhooks(queries, secrets),
  };
}
