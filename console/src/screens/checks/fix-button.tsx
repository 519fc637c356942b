import { PasswordInput, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { type Item, TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { CodeBlock } from "../../ui/code-block.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";

/** Shows the SQL that mends it and where it runs, runs it when that was read, and checks again. */
export function FixButton({ item, sql, task }: { readonly item: Item; readonly sql: string; readonly task: TaskDetail }): ReactNode {
  const { create, words } = useText();
  const queryClient = useQueryClient();
  const [admin, setAdmin] = useState("");
  const { fixOn } = item;
  const run = async (): Promise<void> => {
    const { id } = task;
    const account = admin.trim() === "" ? {} : fixOn?.side === "target" ? { targetAdmin: admin.trim() } : { sourceAdmin: admin.trim() };
    await call("fixChecks", { params: { id }, body: { fixes: [{ id: item.id, scope: item.scope, sql }], ...account } });
    setAdmin("");
    notifications.show({ message: create.checks.fixed });
    // Running tasks check again by themselves when they are retried.
    if (task.allowedActions.includes("check"))
      queryClient.setQueryData(TASK_KEYS.task(id), await newestOf(id, async () => await call("actOnTask", { params: { id }, body: { action: "check" } })));
    await queryClient.invalidateQueries({ queryKey: TASK_KEYS.checks(id) });
  };
  return (
    <ConfirmButton label={create.checks.runFix} title={create.checks.fixTitle} size="xs" onConfirm={run}>
      <Text size="sm">{fixOn === undefined ? create.checks.fixWhereUnknown : create.checks.fixWhere(words.side[fixOn.side], fixOn.database)}</Text>
      <CodeBlock>{sql}</CodeBlock>
      <PasswordInput label={create.checks.fixAs} description={create.checks.fixAsHint} value={admin} onChange={(event) => setAdmin(event.currentTarget.value)} autoComplete="off" />
    </ConfirmButton>
  );
}
