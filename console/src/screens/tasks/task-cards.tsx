import { Checkbox, Group, Stack } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useText } from "../../text/text-context.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { TagList } from "../../ui/tags-field.tsx";
import { LagCell, ProgressCell, shortServer } from "./task-cells.tsx";
import { type Listed, toggled } from "./task-table.tsx";

/** The list on a phone: one card for each task. */
export function TaskCards({ tasks, selected, onSelect, maySelect }: Listed): ReactNode {
  const { shell, words } = useText();
  return (
    <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: "none" }} aria-label={shell.list.label}>
      {tasks.map((task) => (
        <li key={task.id} className="card" style={{ padding: 12 }}>
          <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
            <Link to="/tasks/$id" params={{ id: task.id }} className="row-link break">
              {task.name}
            </Link>
            <Group gap="xs" wrap="nowrap">
              <StateBadge state={task.state} />
              {maySelect && <Checkbox aria-label={shell.list.select(task.name)} checked={selected.has(task.id)} onChange={() => onSelect(toggled(selected, task.id))} />}
            </Group>
          </Group>
          <div className="small dim break" style={{ margin: "4px 0 8px" }}>
            {shortServer(task.source)} → {shortServer(task.target)}
          </div>
          <Group justify="space-between" gap="sm" wrap="nowrap">
            <div style={{ flex: 1, minWidth: 0 }}>
              <ProgressCell task={task} />
            </div>
            <LagCell task={task} />
          </Group>
          <Group gap={4} mt={6}>
            <span className="small dim">{words.type[task.type]}</span>
            <TagList tags={task.tags} />
          </Group>
        </li>
      ))}
    </Stack>
  );
}
