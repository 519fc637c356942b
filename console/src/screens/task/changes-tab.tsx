import { Button, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconRefresh, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import type { ChangesQuery } from "../../../../src/server/contract/task-details.ts";
import { call } from "../../api/client.ts";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { type LongColumn, LongTable } from "../../ui/long-table.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Section } from "../../ui/section.tsx";
import { TableName } from "../../ui/table-name.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { type ShownConflict, type TableChanges, shownConflict, tableChanges } from "./changes.ts";

const EVERY_MS = 10_000;
const PAGE = 500;
const CONFLICTS = 500;

type Sort = ChangesQuery["sort"];

/** What came of the changes since the copy, as the target keeps it until Complete; sorted and searched there, as there may be many tables. */
export function ChangesTab({ task: { id, endedAt } }: { readonly task: TaskDetail }): ReactNode {
  const { task } = useText();
  const text = task.changes;
  const format = useFormat();
  const [sort, setSort] = useState<Sort>("name");
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search.trim(), 300);
  const query = { sort, limit: PAGE, ...(settled === "" ? {} : { search: settled }) };
  const { data, error, refetch, isFetching, fetchNextPage, hasNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["task", id, "changes", query],
    queryFn: async ({ pageParam, signal }) => {
      const { databases } = await call("getChanges", { params: { id }, query: { ...query, offset: pageParam, conflicts: pageParam === 0 ? CONFLICTS : 0 }, signal });
      return { databases, total: databases.reduce((sum, { total }) => sum + total, 0) };
    },
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (pages.length * PAGE < last.total ? pages.length * PAGE : undefined),
    placeholderData: keepPreviousData,
    // As with the tables: whoever has scrolled far does not watch.
    refetchInterval: ({ state: { data: now, status } }) => (endedAt === null && status !== "error" && (now?.pages.length ?? 0) <= 2 ? EVERY_MS : false),
  });
  const rows = useMemo(
    () => data?.pages.flatMap(({ databases }) => databases.flatMap(({ database, tables }) => tables.map((entry) => tableChanges(database, entry)))) ?? [],
    [data],
  );
  const databases = data?.pages[0]?.databases ?? [];
  const total = data?.pages[0]?.total ?? 0;
  return (
    <Stack gap="md">
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed">
          {text.intro}
        </Text>
        <Button size="xs" variant="default" leftSection={<IconRefresh size={14} />} onClick={() => void refetch()} loading={isFetching && data === undefined}>
          {text.refresh}
        </Button>
      </Group>
      <ErrorPanel error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null && <Waiting rows={4} />}
      {data !== undefined && databases.length === 0 && (
        <div className="card">
          <NothingHere>{endedAt === null ? text.noTables : text.ended}</NothingHere>
        </div>
      )}
      {databases.map(({ database, conflicts }) => (
        <Section key={database} title={`${text.conflicts}: ${database}`} flush={conflicts.length > 0}>
          {conflicts.length === 0 ? <Text size="sm">{text.noConflicts}</Text> : <Conflicts conflicts={conflicts.map(shownConflict)} />}
        </Section>
      ))}
      {databases.length > 0 && (
        <Group gap="sm">
          <TextInput
            size="xs"
            w={240}
            aria-label={task.tables.searchLabel}
            placeholder={task.tables.searchLabel}
            leftSection={<IconSearch size={15} />}
            value={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
          <Text size="xs" c="dimmed">
            {task.tables.total(format.count(total))}
          </Text>
        </Group>
      )}
      {databases.length > 0 && rows.length === 0 && <NothingHere>{settled === "" ? text.noTables : task.tables.noFit}</NothingHere>}
      {rows.length > 0 && (
        <Counters rows={rows} total={total} hasMany={databases.length > 1} sort={sort} onSort={setSort} onEnd={() => hasNextPage && !isFetchingNextPage && void fetchNextPage()} />
      )}
    </Stack>
  );
}

interface Counted {
  readonly rows: readonly TableChanges[];
  readonly total: number;
  readonly hasMany: boolean;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly onEnd: () => void;
}

function Counters({ hasMany, ...listed }: Counted): ReactNode {
  const { task } = useText();
  const { columns: names, tables } = task.changes;
  const format = useFormat();
  const kinds = ["insert", "update", "delete", "truncate"] as const;
  const columns: readonly LongColumn<TableChanges, "name" | (typeof kinds)[number] | "skipped">[] = [
    { label: names.table, sort: "name", cell: (row) => <TableName {...row} isOneOfMany={hasMany} /> },
    ...kinds.map((kind, at) => ({ label: names[kind], sort: kind, cell: ({ applied }: TableChanges) => format.count(applied[at] ?? 0) })),
    {
      label: names.skipped,
      sort: "skipped",
      cell: ({ skipped }) => <span style={skipped > 0 ? { color: "var(--tone-warn)", fontWeight: 600 } : {}}>{format.count(skipped)}</span>,
    },
  ];
  return <LongTable label={tables} columns={columns} titleOf={({ database, table }) => `${database}: ${table}`} {...listed} />;
}

function Conflicts({ conflicts }: { readonly conflicts: readonly ShownConflict[] }): ReactNode {
  const { task } = useText();
  const text = task.changes;
  return (
    <div style={{ overflow: "auto", maxHeight: 420 }} tabIndex={0}>
      <Table className="dense" miw={720} stickyHeader aria-label={text.conflicts}>
        <Table.Thead>
          <Table.Tr>
            {[text.columns.at, text.columns.table, text.columns.kind, text.columns.found, text.columns.action, text.columns.key].map((name) => (
              <Table.Th key={name}>{name}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {conflicts.map(({ at, table, kind, found, action, key }) => (
            <Table.Tr key={`${at} ${table} ${key}`}>
              <Table.Td>
                <MomentText at={at} />
              </Table.Td>
              <Table.Td className="break">{table}</Table.Td>
              <Table.Td>{kind}</Table.Td>
              <Table.Td>{text.found[found] ?? found}</Table.Td>
              <Table.Td>{text.action[action] ?? action}</Table.Td>
              <Table.Td className="mono break">{key}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
