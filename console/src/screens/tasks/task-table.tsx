import { Checkbox, Table, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconArrowsSort } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TaskListQuery, TaskRow } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { StateBadge } from "../../ui/state-badge.tsx";
import { TagList } from "../../ui/tags-field.tsx";
import { LagCell, ProgressCell, shortServer } from "./task-cells.tsx";

type Sort = TaskListQuery["sort"];

export interface Listed {
  readonly tasks: readonly TaskRow[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (selected: ReadonlySet<string>) => void;
  readonly maySelect: boolean;
}

export function toggled(selected: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(selected);
  if (!next.delete(id)) next.add(id);
  return next;
}

export function TaskTable({ tasks, selected, onSelect, maySelect, sort, onSort }: Listed & { readonly sort: Sort; readonly onSort: (sort: Sort) => void }): ReactNode {
  const { shell, words } = useText();
  const { columns, select, selectAll, label } = shell.list;
  const areAll = tasks.every(({ id }) => selected.has(id));
  return (
    <div className="card wide">
      <Table className="dense" layout="fixed" miw={900} highlightOnHover aria-label={label}>
        <Table.Thead>
          <Table.Tr>
            {maySelect && (
              <Table.Th w={44}>
                <Checkbox
                  size="xs"
                  aria-label={selectAll}
                  checked={areAll}
                  indeterminate={!areAll && selected.size > 0}
                  onChange={() => onSelect(areAll ? new Set() : new Set(tasks.map(({ id }) => id)))}
                />
              </Table.Th>
            )}
            <Sortable name="name" label={columns.name} sort={sort} onSort={onSort} />
            <Sortable name="state" label={columns.state} sort={sort} onSort={onSort} width={154} />
            <Table.Th w={132}>{columns.type}</Table.Th>
            <Table.Th w="17%">{columns.servers}</Table.Th>
            <Table.Th w="15%">{columns.progress}</Table.Th>
            <Table.Th w={112}>{columns.lag}</Table.Th>
            <Sortable name="created" label={columns.created} sort={sort} onSort={onSort} width={168} />
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tasks.map((task) => (
            <Table.Tr key={task.id} data-selected={selected.has(task.id) || undefined}>
              {maySelect && (
                <Table.Td>
                  <Checkbox size="xs" aria-label={select(task.name)} checked={selected.has(task.id)} onChange={() => onSelect(toggled(selected, task.id))} />
                </Table.Td>
              )}
              <Table.Td>
                <div className="cut">
                  <Link to="/tasks/$id" params={{ id: task.id }} className="row-link" title={task.name}>
                    {task.name}
                  </Link>
                </div>
                <div className="cut" style={{ display: "flex", gap: 4 }}>
                  <span className="mono dim">{task.id}</span>
                  <TagList tags={task.tags} />
                </div>
              </Table.Td>
              <Table.Td>
                <StateBadge state={task.state} />
              </Table.Td>
              <Table.Td>
                <span className="small">{words.type[task.type]}</span>
              </Table.Td>
              <Table.Td>
                <div className="cut small" title={task.source}>
                  {shortServer(task.source)}
                </div>
                <div className="cut small dim" title={task.target}>
                  → {shortServer(task.target)}
                </div>
              </Table.Td>
              <Table.Td>
                <ProgressCell task={task} />
              </Table.Td>
              <Table.Td>
                <LagCell task={task} />
              </Table.Td>
              <Table.Td>
                <span className="small dim">
                  <MomentText at={task.createdAt} />
                </span>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

interface SortableColumn {
  readonly name: "name" | "state" | "created";
  readonly label: string;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly width?: number;
}

function Sortable({ name, label, sort, onSort, width }: SortableColumn): ReactNode {
  const { shell } = useText();
  const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const Icon = { ascending: IconArrowUp, descending: IconArrowDown, none: IconArrowsSort }[direction];
  return (
    <Table.Th w={width} aria-sort={direction}>
      <UnstyledButton className="sorter" aria-label={shell.list.sortBy(label)} onClick={() => onSort(direction === "ascending" ? `-${name}` : name)}>
        {label} <Icon size={13} aria-hidden style={{ opacity: direction === "none" ? 0.45 : 1 }} />
      </UnstyledButton>
    </Table.Th>
  );
}
