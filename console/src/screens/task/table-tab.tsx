import { Group, SegmentedControl, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconArrowDown, IconArrowUp, IconSearch } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { TableList, TableListQuery } from "../../../../src/server/contract/task-details.ts";
import { call } from "../../api/client.ts";
import { TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Tone } from "../../ui/tone.tsx";
import { Waiting } from "../../ui/waiting.tsx";

const PAGE = 500;
const ROW_HEIGHT = 34;
const EVERY_MS = 4_000;

type Sort = TableListQuery["sort"];
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
      {tables.length > 0 && <Rows tables={tables} total={total} sort={sort} onSort={setSort} onEnd={() => hasNextPage && !isFetchingNextPage && void fetchNextPage()} />}
    </>
  );
}

interface Listed {
  readonly tables: TableList["tables"];
  readonly total: number;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
  readonly onEnd: () => void;
}

function Rows({ tables, total, sort, onSort, onEnd }: Listed): ReactNode {
  const { task } = useText();
  const text = task.tables;
  const format = useFormat();
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: tables.length, getScrollElement: () => box.current, estimateSize: () => ROW_HEIGHT, overscan: 15 });
  const items = virtual.getVirtualItems();
  const isAtEnd = (items.at(-1)?.index ?? 0) >= tables.length - 1 && tables.length < total;
  useEffect(() => {
    if (isAtEnd) onEnd();
  });
  const figure = (value: number | null, write: (value: number) => string): string => (value === null ? "–" : write(value));
  const column = (name: "name" | "size" | "rows" | "seconds", label: string): ReactNode => <SortHead name={name} label={label} sort={sort} onSort={onSort} />;
  const databases = new Set(tables.map(({ database }) => database));
  return (
    <div ref={box} className="card table-box" role="table" aria-label={text.label} aria-rowcount={total + 1} tabIndex={0}>
      <div role="row" className="table-row table-head">
        {column("name", text.columns.name)}
        {column("size", text.columns.size)}
        {column("rows", text.columns.rows)}
        <span role="columnheader">{text.columns.bytes}</span>
        {column("seconds", text.columns.seconds)}
        <span role="columnheader">{text.columns.state}</span>
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {items.map(({ index, start }) => {
          const row = tables[index];
          return (
            row !== undefined && (
              <div
                key={index}
                role="row"
                aria-rowindex={index + 2}
                className="table-row"
                style={{ position: "absolute", top: 0, left: 0, right: 0, height: ROW_HEIGHT, transform: `translateY(${start}px)` }}
              >
                <span role="cell" className="cut" title={`${row.database}: ${row.table}`}>
                  {databases.size > 1 && <span className="dim">{row.database} · </span>}
                  {row.table}
                </span>
                <span role="cell">{format.bytes(row.size)}</span>
                <span role="cell">{figure(row.rows, (rows) => format.count(rows))}</span>
                <span role="cell">{figure(row.bytes, (bytes) => format.bytes(bytes))}</span>
                <span role="cell">{figure(row.seconds, (seconds) => format.duration(seconds))}</span>
                <span role="cell">
                  <Tone tone={row.isCopied ? "good" : "neutral"}>{row.isCopied ? text.copied : text.waiting}</Tone>
                </span>
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

interface Sorted {
  readonly name: "name" | "size" | "rows" | "seconds";
  readonly label: string;
  readonly sort: Sort;
  readonly onSort: (sort: Sort) => void;
}

/** The largest first, at the first click; names from the front. */
function SortHead({ name, label, sort, onSort }: Sorted): ReactNode {
  const { shell } = useText();
  const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const next: Sort = direction === "descending" ? name : direction === "ascending" ? `-${name}` : name === "name" ? "name" : `-${name}`;
  return (
    <span role="columnheader" aria-sort={direction}>
      <UnstyledButton className="sorter" aria-label={shell.list.sortBy(label)} onClick={() => onSort(next)}>
        {label} {direction === "ascending" && <IconArrowUp size={13} aria-hidden />}
        {direction === "descending" && <IconArrowDown size={13} aria-hidden />}
      </UnstyledButton>
    </span>
  );
}
