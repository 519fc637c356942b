import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { NewTaskGiven } from "../../../../src/server/contract/new-task.ts";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { type Draft, newTaskOf } from "./draft.ts";

export interface DraftTask {
  /** undefined until the checks are asked for. */
  readonly id: string | undefined;
  /** Has the server keep the draft as it is now, and checks it; does nothing where both were done. */
  readonly check: (draft: Draft) => Promise<void>;
  /** Starts it, or lets it wait for its time. */
  readonly start: (draft: Draft) => Promise<void>;
  readonly keep: (draft: Draft) => Promise<void>;
}

interface Origin {
  readonly task: string | undefined;
  readonly secretsOf: string | undefined;
  /** Of which description the address goes on to be, when it gets the id. */
  readonly flow: string;
}

/** The draft as the server has it: made before the checks, which are those of a task; changed when somebody goes back and on again. */
export function useDraftTask({ task, secretsOf, flow }: Origin): DraftTask {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [id, setId] = useState(task);
  const saved = useRef<string>(undefined);
  const checked = useRef<string>(undefined);
  /** What is shown, as the server knows it: somebody else may change the draft meanwhile. */
  const configuration = useRef<string>(undefined);

  const take = (answer: TaskDetail): void => void queryClient.setQueryData(TASK_KEYS.task(answer.id), answer);

  const save = async (draft: Draft): Promise<string> => {
    if (id === undefined) {
      const made = await call("createTask", { body: newTaskOf(draft, secretsOf) });
      take(made);
      configuration.current = made.configuration;
      saved.current = JSON.stringify(newTaskOf(draft, made.id));
      setId(made.id);
      await navigate({ to: "/tasks/new", search: { task: made.id }, state: { flow }, replace: true, resetScroll: false });
      return made.id;
    }
    const asked = newTaskOf(draft, id);
    if (JSON.stringify(asked) !== saved.current) {
      const modified = await call("modifyTask", { params: { id }, body: asked });
      take(modified);
      configuration.current = modified.configuration;
    }
    saved.current = JSON.stringify(asked);
    return id;
  };

  return {
    id,
    check: async (draft) => {
      if (id !== undefined && JSON.stringify(newTaskOf(draft, id)) === checked.current) return;
      const made = await save(draft);
      take(await newestOf(made, async () => await call("actOnTask", { params: { id: made }, body: { action: "check" } })));
      checked.current = saved.current;
      void queryClient.invalidateQueries({ queryKey: TASK_KEYS.checks(made) });
    },
    start: async (draft) => {
      const made = await keepAll(draft);
      const seen = configuration.current === undefined ? {} : { configuration: configuration.current };
      take(await newestOf(made, async () => await call("actOnTask", { params: { id: made }, body: { action: "start", ...seen } })));
      await navigate({ to: "/tasks/$id", params: { id: made } });
    },
    keep: async (draft) => {
      await navigate({ to: "/tasks/$id", params: { id: await keepAll(draft) } });
    },
  };

  /** Name, tags and limits change nothing that was checked, and its time goes with all that was asked for. */
  async function keepAll(draft: Draft): Promise<string> {
    const before = saved.current === undefined ? undefined : (JSON.parse(saved.current) as NewTaskGiven);
    const made = id === undefined || before === undefined || before.scheduledAt !== newTaskOf(draft, id).scheduledAt ? await save(draft) : id;
    const { name, tags, concurrency, rateLimit } = draft;
    const named = name.trim();
    const body = { ...(named === "" ? {} : { name: named }), tags: { ...tags }, ...(concurrency === undefined ? {} : { concurrency }), rateLimit: rateLimit ?? null };
    const kept = await call("changeSettings", { params: { id: made }, body });
    take(kept);
    // Rather nothing at all than a start at once.
    if ((kept.scheduledAt !== null) !== (draft.scheduledAt !== "")) throw new Error(`scheduledAt: ${kept.scheduledAt ?? "null"}`);
    return made;
  }
}
