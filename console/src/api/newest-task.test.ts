import { expect, it } from "vitest";
import type { TaskDetail } from "../../../src/server/contract/task.ts";
import { newestOf, rememberTold } from "./newest-task.ts";

const inState = (id: string, state: TaskDetail["state"]): TaskDetail => ({ id, state }) as TaskDetail;

it("takes an answer that nothing has overtaken", async () => {
  rememberTold(inState("a", "paused"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await newestOf("a", async () => await Promise.resolve(inState("a", "terminating")))).toEqual(inState("a", "terminating"));
});

it("leaves an answer that an event has overtaken", async () => {
  const answer = newestOf("b", async () => {
    rememberTold(inState("b", "terminated"));
    return await Promise.resolve(inState("b", "terminating"));
  });
  expect(await answer).toEqual(inState("b", "terminated"));
});
