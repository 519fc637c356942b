import { ActionIcon, Anchor, CopyButton, Group, Text, Title, Tooltip } from "@mantine/core";
import { IconArrowLeft, IconCopy } from "@tabler/icons-react";
import { Link, useLocation } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { useMay } from "../../api/session.ts";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { TagList } from "../../ui/tags-field.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { hasBegun } from "./begun.ts";
import { ActionButtons } from "./action-buttons.tsx";

/** What it is, where it stands, and what may be done. */
export function TaskHead({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: text, words } = useText();
  const format = useFormat();
  const mayAct = useMay("operator");
  const heading = useRef<HTMLHeadingElement>(null);
  const { __TSR_index: visited } = useLocation().state;
  // Whoever comes from another page of the console has left what they pressed there.
  const hasCome = visited > 0;
  useEffect(() => {
    if (hasCome && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, [hasCome]);
  const isDraft = !hasBegun(task) && ["draft", "checkPassed", "checkFailed"].includes(task.state);
  return (
    <div style={{ marginBottom: 12 }}>
      <Anchor component={Link} to="/tasks" size="xs" c="dimmed">
        <IconArrowLeft size={12} style={{ verticalAlign: -1 }} aria-hidden /> {text.back}
      </Anchor>
      <Group justify="space-between" align="flex-start" gap="sm" mt={4}>
        <div style={{ minWidth: 0, flex: "1 1 320px" }}>
          <Group gap="sm">
            <Title ref={heading} tabIndex={-1} order={1} className="break">
              {task.name}
            </Title>
            <StateBadge state={task.state} />
            {task.before !== null && (
              <Text size="xs" c="dimmed">
                {text.before(words.state[task.before])}
              </Text>
            )}
          </Group>
          <Group gap={6} mt={4}>
            <CopyButton value={task.id}>
              {({ copied, copy }) => (
                <Tooltip label={copied ? words.copied : words.copy}>
                  <ActionIcon variant="transparent" color="gray" size={18} aria-label={`${words.copy}: ${task.id}`} onClick={copy}>
                    <IconCopy size={13} />
                  </ActionIcon>
                </Tooltip>
              )}
            </CopyButton>
            <span className="mono dim">{task.id}</span>
            <span className="small dim">{words.type[task.type]}</span>
            <TagList tags={task.tags} />
            {task.state === "scheduled" && task.scheduledAt !== null && <span className="small">{text.scheduled(format.moment(task.scheduledAt))}</span>}
          </Group>
        </div>
        {mayAct && (
          <Group gap="xs">
            {isDraft && (
              <LinkButton to="/tasks/new" search={{ task: task.id }} size="sm" variant="default">
                {text.goOn}
              </LinkButton>
            )}
            <ActionButtons task={task} />
            <LinkButton to="/tasks/new" search={{ similar: task.id }} size="sm" variant="default">
              {text.createSimilar}
            </LinkButton>
          </Group>
        )}
      </Group>
    </div>
  );
}
