import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../../api/client.ts";
import { TASK_KEYS, type TaskAction, type TaskRow } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";

const ORDER: readonly TaskAction[] = ["start", "pause", "resume", "retry", "complete", "terminate", "delete"];
const DANGEROUS: ReadonlySet<TaskAction> = new Set(["complete", "terminate", "delete"]);

/** What may be done with the tasks that are selected: each button says for how many of them. */
export function BulkBar({ tasks, onDone }: { readonly tasks: readonly TaskRow[]; readonly onDone: () => void }): ReactNode {
  const texts = useText();
  const { shell, words, task: taskText } = texts;
  const format = useFormat();
  const queryClient = useQueryClient();
  const act = async (action: TaskAction, ids: string[]): Promise<void> => {
    const { results } = await call("actOnTasks", { body: { ids, action } });
    const refused = results.filter(({ error }) => error !== null);
    const done = results.length - refused.length;
    if (done > 0) notifications.show({ message: shell.list.bulkDone(words.action[action], format.count(done)), color: "tide" });
    if (refused.length > 0) {
      notifications.show({
        color: "red",
        autoClose: false,
        title: shell.list.bulkFailed(format.count(refused.length)),
        message: refused.slice(0, 5).map(({ id, error }) => <div key={id}>{`${id}: ${error?.message ?? ""} ${error?.advice ?? ""}`}</div>),
      });
    }
    void queryClient.invalidateQueries({ queryKey: TASK_KEYS.lists });
    onDone();
  };
  return (
    <Group className="card" px="sm" py={6} mb="sm" gap="xs" role="toolbar" aria-label={shell.list.selected(format.count(tasks.length))}>
      <Text size="sm" fw={500} mr="xs">
        {shell.list.selected(format.count(tasks.length))}
      </Text>
      {ORDER.map((action) => {
        const able = tasks.filter(({ allowedActions }) => allowedActions.includes(action));
        if (able.length === 0) return null;
        const label = able.length === tasks.length ? words.action[action] : `${words.action[action]} (${able.length})`;
        return (
          <ConfirmButton
            key={action}
            label={label}
            size="compact-sm"
            variant="default"
            isDangerous={DANGEROUS.has(action)}
            title={shell.list.bulkTitle(words.action[action], format.count(able.length))}
            onConfirm={async () =>
              await act(
                action,
                able.map(({ id }) => id),
              )
            }
          >
            <Text size="sm">{taskText.consequences[action]}</Text>
            <Text size="sm" component="ul" m={0} pl="md" mah={200} style={{ overflow: "auto" }}>
              {able.map(({ id, name }) => (
                <li key={id} className="break">
                  {name}
                </li>
              ))}
            </Text>
          </ConfirmButton>
        );
      })}
      <Button variant="subtle" size="compact-sm" color="gray" ml="auto" onClick={onDone}>
        {shell.list.unselect}
      </Button>
    </Group>
  );
}
