import { afterEach, expect, it } from "vitest";
import { openTasks } from "../../../src/task/open-tasks.ts";
import { act } from "../../../src/task/task-actions.ts";
import { TASK_WORKFLOW } from "../../../src/task/task-workflow.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";
import { killLeftovers, run } from "../engine/processes.ts";

afterEach(killLeftovers);

it("a run whose last state was written, but not its end, is taken up again and does nothing", async () => {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query("create table t as select 1 as a");
  const dir = newStateDirectory();
  await using opened = await openTasks({ store: { dir } });
  const { tasks, control } = opened;
  const worker = run(new URL("worker-process.ts", import.meta.url), dir);
  await worker.saw("launched");
  const { id } = await tasks.create({ options: taskOptions(source.endpoint("source"), target.endpoint("target"), { acceptAlarms: true }) });
  const state = async (): Promise<string> => (await tasks.find(id)).state;
  await act(tasks, control, id, "start");
  await expect.poll(state, { timeout: 20_000 }).toBe("succeeded");
  const before = await tasks.endOfLog(id);
  await control.start(TASK_WORKFLOW, "taken-up-again", [id, "1"]);
  await control.result("taken-up-again");
  expect(await state()).toBe("succeeded");
  expect(await tasks.endOfLog(id)).toBe(before);
  await worker.leave();
});
