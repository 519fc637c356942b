import { countExecutors } from "../../engine/lease.ts";
import { act, removeRuns } from "../../task/task-actions.ts";
import { readTaskChanges } from "../../task/task-changes.ts";
import type { OpenTasks } from "../../task/open-tasks.ts";
import { acceptedAlarms } from "../task-options.ts";
import type { Desk } from "./desk.ts";

/** Answers from a store; disposing it closes the store. */
export function localDesk(opened: OpenTasks): Desk {
  const { store, tasks, control } = opened;
  const find: Desk["find"] = async (id) => ({ task: await tasks.find(id), progress: await tasks.progress(id) });
  return {
    find,
    findByPrefix: async (prefix) => (await tasks.findByPrefix(prefix)).id,
    list: async ({ states, tags }) => {
      const found = await tasks.list({ ...(states === undefined ? {} : { states }), ...(tags === undefined ? {} : { tags }) });
      return await Promise.all(found.map(async (task) => ({ task, progress: await tasks.progress(task.id) })));
    },
    create: async (task) => (await tasks.create(task)).id,
    act: async (id, action) => void (await act(tasks, control, id, action)),
    delete: async (id) => {
      await tasks.delete(id);
      await removeRuns(control, id);
    },
    set: async (id, settings) => void (await tasks.set(id, settings)),
    accept: async (id, checks) => void (await tasks.accept(id, await acceptedAlarms(checks))),
    changes: async (id, mostConflicts) => await readTaskChanges(tasks, id, mostConflicts),
    logs: async (id, query) => await tasks.logs(id, query),
    workers: async () => await countExecutors(store),
    [Symbol.asyncDispose]: async () => await opened[Symbol.asyncDispose](),
  };
}
