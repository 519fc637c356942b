import { countExecutors } from "../../engine/lease.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { act, removeRuns } from "../../task/task-actions.ts";
import { TASK_STATES, type TaskAction, type TaskState } from "../../task/states.ts";
import type { Task } from "../../task/task-record.ts";
import { MOST_TAGS, TOO_MANY_TAGS } from "../contract/new-task.ts";
import type { TaskDetail } from "../contract/task.ts";
import type { Call, Handlers } from "../handler.ts";
import type { Services } from "../services.ts";
import { configurationOf, taskAnswer, taskRowAnswer } from "../task-answers.ts";
import { errorAnswer } from "../error-answer.ts";
import { acceptedBy, askedOf, newTaskOf } from "../task-request.ts";

/** Lists of tasks, one task, and what operators do with it. */
export const TASK_HANDLERS = {
  listTasks: async ({ query }, { services }) => {
    const [page, workers] = await Promise.all([
      services.views.page({
        states: query.state === undefined ? undefined : query.state.split(",").map(knownState),
        type: query.type,
        search: query.search,
        tags: query.tag === undefined ? undefined : tagsOf(query.tag),
        sort: query.sort.replace(/^-/, "") as "created" | "name" | "state",
        isDescending: query.sort.startsWith("-"),
        limit: query.limit,
        offset: query.offset,
      }),
      countExecutors(services.store),
    ]);
    return { total: page.total, states: page.states, workers, tasks: page.tasks.map(({ task, figures }) => taskRowAnswer(task, figures)) };
  },
  createTask: async ({ body }, { services, note }) => {
    const { id } = await services.tasks.create(await newTaskOf(body, services.tasks));
    note(id);
    if (body.start === true) await act(services.tasks, services.control, id, "start");
    return await taskDetail(id, services);
  },
  actOnTasks: async ({ body }, call) => {
    call.note(`${body.action} ${body.ids.join(" ")}`);
    const results = [];
    for (const id of body.ids) {
      try {
        await doAction(id, body.action, call);
        results.push({ id, error: null });
      } catch (error) {
        results.push({ id, error: errorAnswer(error).body.error });
      }
    }
    return { results };
  },
  getTask: async ({ params }, { services }) => await taskDetail(params.id, services),
  getAsked: async ({ params }, { services }) => await askedOf(await services.tasks.find(params.id), services.tasks),
  modifyTask: async ({ params, body }, { services }) => {
    await services.tasks.replace(params.id, await newTaskOf({ ...body, secretsOf: body.secretsOf ?? params.id }, services.tasks), refuseBegun);
    return await taskDetail(params.id, services);
  },
  changeSettings: async ({ params, body }, { services, note }) => {
    note(JSON.stringify(body));
    const { name, tags, concurrency, rateLimit } = body;
    if (tags !== undefined) refuseManyTags((await services.tasks.find(params.id)).tags, tags);
    await services.tasks.set(params.id, {
      ...(name === undefined ? {} : { name }),
      ...(tags === undefined ? {} : { tags }),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    });
    return await taskDetail(params.id, services);
  },
  actOnTask: async ({ params, body }, call) => {
    call.note(body.action);
    await doAction(params.id, body.action, call, asSeen(body.configuration));
    return await taskDetail(params.id, call.services);
  },
  deleteTask: async ({ params }, call) => {
    await doAction(params.id, "delete", call);
    return { id: params.id };
  },
  acceptAlarms: async ({ params, body }, { services, who, note }) => {
    note(body.checks.join(" "));
    await services.tasks.accept(params.id, acceptedBy(body.checks, who!.name), asSeen(body.configuration));
    return await taskDetail(params.id, services);
  },
} satisfies Partial<Handlers>;

/** A task with its figures and steps. Throws `task-unknown`. */
export async function taskDetail(id: string, { tasks, views, store }: Services): Promise<TaskDetail> {
  const [task, figures, steps, workers] = await Promise.all([tasks.find(id), views.figures(id), views.steps(id), countExecutors(store)]);
  return taskAnswer(task, figures, steps, workers);
}

async function doAction(id: string, action: TaskAction, { services, who }: Call, check?: (task: Task) => void): Promise<void> {
  if (action !== "delete") {
    await act(services.tasks, services.control, id, action, check);
    await services.tasks.log(id, "info", `${action} was asked for by ${who!.name}`);
    return;
  }
  await services.tasks.delete(id);
  await removeRuns(services.control, id);
}

/** Throws `action-refused` where somebody has changed what was asked for since the operator saw it. Who does not say what was seen means the task as it is. */
function asSeen(configuration: string | undefined): (task: Task) => void {
  return (task) => {
    if (configuration === undefined || configurationOf(task) === configuration) return;
    throw new GodwitError("action-refused", `task ${task.id} was changed meanwhile: it moves something else, or elsewhere, than what was shown`, {
      object: task.id,
      advice: "Look at the task as it is now, then do it again.",
    });
  };
}

/** Throws `action-refused` where a run is at work, or something was written already. */
function refuseBegun({ id, state, startedAt, onlyCheck }: Task): void {
  const isOpen = ["draft", "checkFailed", "scheduled", "failed"].includes(state) || (state === "checkPassed" && onlyCheck);
  if (startedAt === null && isOpen) return;
  throw new GodwitError("action-refused", `task ${id} is ${state}: what it moves can be changed only before its first start`, {
    object: id,
    advice: "Name, tags, lanes and rate limit can be changed at any time. For other objects or servers create a task.",
  });
}

function knownState(text: string): TaskState {
  const state = TASK_STATES.find((known) => known === text);
  if (state === undefined) throw new GodwitError("request-invalid", `there is no state "${text}"`, { object: "state", advice: `States: ${TASK_STATES.join(", ")}.` });
  return state;
}

function tagsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new GodwitError("request-invalid", "a tag is name=value", { object: "tag" });
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function refuseManyTags(before: Readonly<Record<string, string>>, change: Readonly<Record<string, string | null>>): void {
  const after = Object.values({ ...before, ...change }).filter((value) => value !== null).length;
  if (after > MOST_TAGS && after > Object.keys(before).length) throw new GodwitError("request-invalid", TOO_MANY_TAGS, { object: "body.tags" });
}
