import { Button, Group, Pagination, Text, Title } from "@mantine/core";
import { useDocumentTitle, useMediaQuery } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { useMay } from "../../api/session.ts";
import { taskListQuery } from "../../api/tasks.ts";
import { useTaskListEvents } from "../../live/task-list-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { LiveNotes } from "../../ui/live-notes.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { LinkButton } from "../../ui/link-button.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { FirstMigration } from "./first-migration.tsx";
import { ListFilters } from "./list-filters.tsx";
import { type ListSearch, PAGE, isNarrowed, listQuery } from "./list-search.ts";
import { TaskCards } from "./task-cards.tsx";
import { TaskTable } from "./task-table.tsx";

/** All tasks, narrowed by what is in the address. */
export function TaskListScreen(): ReactNode {
  const { shell, words } = useText();
  const format = useFormat();
  const search = useSearch({ from: "/shell/tasks" });
  const navigate = useNavigate({ from: "/tasks" });
  const isPhone = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const mayAct = useMay("operator");
  const { data, error, refetch, isPlaceholderData } = useQuery(taskListQuery(listQuery(search)));
  const connection = useTaskListEvents();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const narrow = (change: Partial<Record<keyof ListSearch, ListSearch[keyof ListSearch]>>): void => {
    setSelected(new Set());
    void navigate({ search: (now) => ({ ...now, page: undefined, ...change }) as ListSearch, replace: true });
  };
  useDocumentTitle(`${shell.tasks} · Godwit`);
  const hasNone = data !== undefined && data.total === 0 && !isNarrowed(search);
  const pages = Math.ceil((data?.total ?? 0) / PAGE);
  const isBehind = data !== undefined && data.total > 0 && (search.page ?? 1) > pages;
  useEffect(() => {
    if (isBehind && !isPlaceholderData) void navigate({ search: (now) => ({ ...now, page: pages > 1 ? pages : undefined }) as ListSearch, replace: true });
  }, [isBehind, isPlaceholderData, navigate, pages]);
  const table = { tasks: data?.tasks ?? [], selected, onSelect: setSelected, maySelect: mayAct };
  return (
    <>
      <Group justify="space-between" mb="md">
        <Title order={1}>{shell.tasks}</Title>
        {mayAct && !hasNone && (
          <LinkButton to="/tasks/new" leftSection={<IconPlus size={16} />}>
            {shell.list.newTask}
          </LinkButton>
        )}
      </Group>
      <LiveNotes connection={connection} workers={hasNone ? undefined : data?.workers} />
      {hasNone ? (
        <FirstMigration />
      ) : (
        <>
          <ListFilters search={search} states={data?.states ?? {}} onChange={narrow} />
          {selected.size > 0 && <BulkBar tasks={table.tasks.filter(({ id }) => selected.has(id))} onDone={() => setSelected(new Set())} />}
          <ErrorPanel error={error} onRetry={() => void refetch()} />
          {(data === undefined || (isBehind && data.tasks.length === 0)) && error === null && (
            <div className="card">
              <Waiting rows={6} height={44} />
            </div>
          )}
          {data !== undefined && data.tasks.length === 0 && !isBehind && (
            <div className="card">
              <NothingHere
                action={
                  <Button variant="default" onClick={() => void navigate({ search: {} })}>
                    {shell.list.clear}
                  </Button>
                }
              >
                {shell.list.noFit}
              </NothingHere>
            </div>
          )}
          {data !== undefined &&
            data.tasks.length > 0 &&
            (isPhone ? <TaskCards {...table} /> : <TaskTable {...table} sort={search.sort ?? "-created"} onSort={(sort) => narrow({ sort })} />)}
          {data !== undefined && data.tasks.length > 0 && (
            <Group justify="space-between" mt="sm" gap="sm">
              <Text size="xs" c="dimmed">
                {shell.list.total(format.count(data.total))}
              </Text>
              {pages > 1 && (
                <Pagination
                  size="sm"
                  total={pages}
                  value={search.page ?? 1}
                  onChange={(page) => narrow({ page })}
                  aria-label={shell.list.pages}
                  getControlProps={(control) => ({ "aria-label": { next: words.next, previous: words.back, first: "1", last: String(pages) }[control] })}
                />
              )}
            </Group>
          )}
        </>
      )}
    </>
  );
}
