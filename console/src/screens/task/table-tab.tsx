import { Group, SegmentedControl, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import type { TableList, TableListQuery } from "../../../../src/server/contract/task-details.ts";
import { call } from "../../api/client.ts";
import { TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { type LongColumn, LongTable } from "../../ui/long-table.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { TableName } from "../../ui/table-name.tsx";
import { Tone } from "../../ui/tone.tsx";
import { Waiting } from "../../ui/waiting.tsx";

const PAGE = 500;
const EVERY_MS = 4_000;

type Sort = TableListQuery["sort"];
type Row = TableList["tables"][number];
type TableState = "all" | "waiting" | "copied";

/** How far each table is; sorted and searched by the server, as there may be hundreds of thousands. */
export function TableTab({ task: { id, state, endedAt } }: { readonly task: TaskDetail }): ReactNode {
  const { task } = useText();
  const text = task.tables;
  const format = useFormat();
  const queryClient = useQueryClient();
  const [sort, setSort] = useState<Sort>("-size");
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search.trim(), 300);
  const [copied, setCopied] = useState<TableState>("all");
  const query = { sort, limit: PAGE, ...(settled === "" ? {} : { search: settled }), ...(copied === "all" ? {} : { state: copied }) };
  const { data, error, fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = useInfiniteQuery({
    queryKey: [...TASK_KEYS.tables(id), query],
    queryFn: async ({ pageParam, signal }) => await call("listTables", { params: { id }, query: { ...query, offset: pageParam }, signal }),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => (pages.length * PAGE < last.total ? pages.length * PAGE : undefined),
    placeholderData: keepPreviousData,
    // All pages are asked for again: whoever has scrolled far looks for something, and does not watch.
    refetchInterval: ({ state: { data: now, status } }) => (endedAt === null && status !== "error" && (now?.pages.length ?? 0) <= 2 ? EVERY_MS : false),
  });
  // A short task is done before it is asked again; and what was asked just before the end is no longer asked.
  useEffect(() => void queryClient.invalidateQueries({ queryKey: TASK_KEYS.tables(id) }), [id, queryClient, state]);
  const tables = useMemo(() => data?.pages.flatMap((page) => page.tables) ?? [], [data]);
  const total = data?.pages[0]?.total ?? 0;
  const hasMany = new Set(tables.map(({ database }) => database)).size > 1;
  const figure = (value: number | null, write: (value: number) => string): string => (value === null ? "–" : write(value));
  const columns: readonly LongColumn<Row, "name" | "size" | "rows" | "seconds">[] = [
    { label: text.columns.name, sort: "name", cell: (row) => <TableName {...row} isOneOfMany={hasMany} /> },
    { label: text.columns.size, sort: "size", cell: ({ size }) => format.bytes(size) },
    { label: text.columns.rows, sort: "rows", cell: ({ rows }) => figure(rows, (count) => format.count(count)) },
    { label: text.columns.bytes, cell: ({ bytes }) => figure(bytes, (count) => format.bytes(count)) },
    { label: text.columns.seconds, sort: "seconds", cell: ({ seconds }) => figure(seconds, (count) => format.duration(count)) },
    { label: text.columns.state, cell: ({ isCopied }) => <Tone tone={isCopied ? "good" : "neutral"}>{isCopied ? text.copied : text.waiting}</Tone> },
  ];
  return (
    <>
      <Group gap="sm" mb="sm">
        <TextInput
          size="xs"
          w={240}
          aria-label={text.searchLabel}
          placeholder={text.searchLabel}
          leftSection={<IconSearch size={15} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <SegmentedControl
          size="xs"
          aria-label={text.stateLabel}
          value={copied}
          onChange={setCopied}
          data={(["all", "waiting", "copied"] as const).map((value) => ({ value, label: text.states[value] }))}
        />
        <Text size="xs" c="dimmed">
          {data !== undefined && text.total(format.count(total))}
        </Text>
      </Group>
      <ErrorPanel error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null && <Waiting rows={8} height={26} />}
      {data !== undefined && tables.length === 0 && <NothingHere>{settled === "" && copied === "all" ? text.none : text.noFit}</NothingHere>}
      {tables.length > 0 && (
        <LongTable
          label={text.label}
          columns={columns}
          rows={tables}
          total={total}
          titleOf={({ database, table }) => `${database}: ${table}`}
          sort={sort}
          onSort={setSort}
          onEnd={() => hasNextPage && !isFetchingNextPage && void fetchNextPage()}
        />
      )}
    </>
  );
}
