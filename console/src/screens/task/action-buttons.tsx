import { Button, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { TASK_KEYS, type TaskAction, type TaskDetail } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { errorLine } from "../../ui/error-panel.tsx";

/** What ends something is asked for once more. Complete has a panel of its own, with what it will do. */
const ASKED_FOR: ReadonlySet<TaskAction> = new Set(["terminate", "delete"]);
const LEFT_OUT: ReadonlySet<TaskAction> = new Set(["check", "complete"]);
const MAIN: ReadonlySet<TaskAction> = new Set(["start", "resume", "retry"]);

/** Asks for an action, and takes what the server answers as the task. A start is for what this page shows: not for what somebody else has asked for meanwhile. */
export function useTaskAction({ id, configuration }: Pick<TaskDetail, "id" | "configuration">): (action: Exclude<TaskAction, "delete">) => Promise<void> {
  const queryClient = useQueryClient();
  return async (action) => {
    queryClient.setQueryData(
      TASK_KEYS.task(id),
      await newestOf(id, async () => await call("actOnTask", { params: { id }, body: action === "start" ? { action, configuration } : { action } })),
    );
    void queryClient.invalidateQueries({ queryKey: TASK_KEYS.lists });
  };
}

/** The actions that the state allows. */
export function ActionButtons({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: text, words } = useText();
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const act = useTaskAction(task);
  const remove = async (): Promise<void> => {
    await call("deleteTask", { params: { id: task.id } });
    await navigate({ to: "/tasks" });
    queryClient.removeQueries({ queryKey: TASK_KEYS.task(task.id) });
  };
  return task.allowedActions
    .filter((action) => !LEFT_OUT.has(action))
    .map((action) =>
      ASKED_FOR.has(action) ? (
        <ConfirmButton
          key={action}
          label={words.action[action]}
          title={text.question(words.action[action])}
          variant="default"
          isDangerous
          onConfirm={async () => await (action === "delete" ? remove() : act(action))}
        >
          <Text size="sm">{text.consequences[action]}</Text>
        </ConfirmButton>
      ) : (
        <PlainButton
          key={action}
          label={words.action[action]}
          isMain={MAIN.has(action)}
          note={text.consequences[action]}
          onAct={async () => await act(action as Exclude<TaskAction, "delete">)}
        />
      ),
    );
}

function PlainButton({ label, isMain, note, onAct }: { readonly label: string; readonly isMain: boolean; readonly note: string; readonly onAct: () => Promise<void> }): ReactNode {
  const texts = useText();
  const act = useMutation({ mutationFn: onAct, onError: (error) => notifications.show({ color: "red", message: errorLine(error, texts), autoClose: 12_000 }) });
  return (
    <Button variant={isMain ? "filled" : "default"} onClick={() => act.mutate()} loading={act.isPending} title={note}>
      {label}
    </Button>
  );
}
