import { expect, it } from "vitest";
import { taskOptions } from "../../test/kit/checks.ts";
import { newStateDirectory } from "../../test/kit/state-directory.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { openTasks } from "./open-tasks.ts";
import { TaskViews } from "./task-views.ts";

const NAMES = ["delta", "Alpha", "echo", "charlie", "Bravo", "golf", "foxtrot"];

it("a page of tasks is in its order, whichever way the server joins", async () => {
  const dir = newStateDirectory();
  {
    await using opened = await openTasks({ store: { dir } });
    const options = taskOptions(parseEndpoint("source", "postgresql://a@old/shop"), parseEndpoint("target", "postgresql://a@new/shop"));
    for (const name of NAMES) await opened.tasks.create({ name, options });
    // The newest have figures, and come from the joined table in another order than from this one.
    await opened.queries.query("insert into godwit.task_progress (task_id, progress) select id, '{}' from godwit.task order by created_at limit 4", []);
    await opened.queries.query("do $$ begin execute format('alter database %I set enable_nestloop = off', current_database()); end $$", []);
  }
  await using opened = await openTasks({ store: { dir } });
  const views = new TaskViews(opened.queries);
  const names = async (sort: "created" | "name", isDescending: boolean): Promise<string[]> => {
    const { tasks } = await views.page({ states: undefined, type: undefined, search: undefined, tags: undefined, sort, isDescending, limit: 5, offset: 1 });
    return tasks.map(({ task }) => task.name);
  };
  expect(await names("created", false)).toEqual(["Alpha", "echo", "charlie", "Bravo", "golf"]);
  expect(await names("created", true)).toEqual(["golf", "Bravo", "charlie", "echo", "Alpha"]);
  expect(await names("name", false)).toEqual(["Bravo", "charlie", "delta", "echo", "foxtrot"]);
});
