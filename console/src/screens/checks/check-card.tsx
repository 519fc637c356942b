import { Group, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { useMay } from "../../api/session.ts";
import { type Item, TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { CodeBlock } from "../../ui/code-block.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";
import { Tone } from "../../ui/tone.tsx";
import { FixButton } from "./fix-button.tsx";

const MOST_LINES = 50;

/** A check that did not pass: what was found, why it matters, how to mend it. */
export function CheckCard({ item, alike, task }: { readonly item: Item; readonly alike: readonly string[]; readonly task: TaskDetail }): ReactNode {
  const { create, words } = useText();
  const format = useFormat();
  const isOperator = useMay("operator");
  const mayAct = isOperator && task.endedAt === null;
  const accepted = item.result === "alarm" ? task.accepted.find(({ check }) => check === item.id) : undefined;
  return (
    <article className="card" style={{ padding: 12 }} aria-label={`${words.result[item.result]}: ${item.title}`}>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <ResultIcon result={item.result} size={20} />
        <Stack gap="xs" flex={1} miw={0}>
          <Group justify="space-between" gap="xs" align="flex-start">
            <div style={{ minWidth: 0 }}>
              <Text fw={600} size="sm">
                {item.title}
              </Text>
              <Text size="xs" c="dimmed" className="break">
                {item.scope} · <span className="mono">{item.id}</span>
              </Text>
            </div>
            <Group gap="xs">
              {accepted !== undefined && <Tone tone="good">{create.checks.acceptedBy(accepted.by, format.moment(accepted.at))}</Tone>}
              {mayAct && item.fixSql !== undefined && <FixButton item={item} sql={item.fixSql} task={task} />}
              {mayAct && item.result === "alarm" && accepted === undefined && <AcceptButton item={item} alike={alike} task={task} />}
            </Group>
          </Group>
          {item.evidence.length > 0 && <Lines label={create.checks.evidence} lines={item.evidence} />}
          <Text size="sm" c="dimmed">
            {item.why}
          </Text>
          <Text size="sm">
            <b>{create.checks.fix}:</b> {item.fix}
          </Text>
          {item.fixSql !== undefined && <CodeBlock>{item.fixSql}</CodeBlock>}
          {item.about !== "" && (
            <details className="small dim">
              <summary>{create.checks.about}</summary>
              {item.about}
            </details>
          )}
        </Stack>
      </Group>
    </article>
  );
}

/** What is accepted is a check: all its alarms, in whichever scope. */
function AcceptButton({ item, alike, task }: { readonly item: Item; readonly alike: readonly string[]; readonly task: TaskDetail }): ReactNode {
  const { create } = useText();
  const queryClient = useQueryClient();
  const accept = async (): Promise<void> => {
    queryClient.setQueryData(
      TASK_KEYS.task(task.id),
      await newestOf(task.id, async () => await call("acceptAlarms", { params: { id: task.id }, body: { checks: [item.id], configuration: task.configuration } })),
    );
  };
  return (
    <ConfirmButton label={create.checks.accept} title={create.checks.acceptTitle} size="xs" variant="default" onConfirm={accept}>
      <Text size="sm" fw={500}>
        {item.title}
      </Text>
      <Text size="sm">{item.why}</Text>
      <Lines label={create.checks.acceptScopes} lines={alike} />
      <Text size="sm">{create.checks.acceptBody}</Text>
    </ConfirmButton>
  );
}

function Lines({ label, lines }: { readonly label: string; readonly lines: readonly string[] }): ReactNode {
  const { create } = useText();
  const format = useFormat();
  return (
    <ul className="evidence" aria-label={label}>
      {lines.slice(0, MOST_LINES).map((line) => (
        <li key={line}>{line}</li>
      ))}
      {lines.length > MOST_LINES && <li>{create.objects.more500(format.count(lines.length - MOST_LINES))}</li>}
    </ul>
  );
}
