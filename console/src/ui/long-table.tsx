import { UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef } from "react";
import { useText } from "../text/text-context.tsx";

const ROW_HEIGHT = 34;

/** By a column, up or down. */
export type SortBy<Name extends string> = Name | `-${Name}`;

export interface LongColumn<Row, Name extends string> {
  readonly label: string;
  /** What the server sorts by; undefined: it does not. */
  readonly sort?: Name;
  readonly cell: (row: Row) => ReactNode;
}

interface Listed<Row, Name extends string> {
  readonly label: string;
  /** Six; the first is the name. */
  readonly columns: readonly LongColumn<Row, Name>[];
  /** Those that have come so far. */
  readonly rows: readonly Row[];
  readonly total: number;
  /** A row's name in full. */
  readonly titleOf: (row: Row) => string;
  readonly sort: SortBy<Name>;
  readonly onSort: (sort: SortBy<Name>) => void;
  /** The end of what has come is seen, and there is more. */
  readonly onEnd: () => void;
}

/** Rows of which there may be hundreds of thousands: sorted by the server, asked for page by page; only those that are seen are there. */
export function LongTable<Row, Name extends string>({ label, columns, rows, total, titleOf, sort, onSort, onEnd }: Listed<Row, Name>): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => ROW_HEIGHT, overscan: 15 });
  const items = virtual.getVirtualItems();
  const isAtEnd = (items.at(-1)?.index ?? 0) >= rows.length - 1 && rows.length < total;
  useEffect(() => {
    if (isAtEnd) onEnd();
  });
  return (
    <div ref={box} className="card table-box" role="table" aria-label={label} aria-rowcount={total + 1} tabIndex={0}>
      <div role="row" className="table-row table-head">
        {columns.map(({ label: head, sort: name }) =>
          name === undefined ? (
            <span key={head} role="columnheader">
              {head}
            </span>
          ) : (
            <SortHead key={head} name={name} label={head} sort={sort} onSort={onSort} />
          ),
        )}
      </div>
      <div role="rowgroup" style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {items.map(({ index, start }) => {
          const row = rows[index];
          return (
            row !== undefined && (
              <div
                key={index}
                role="row"
                aria-rowindex={index + 2}
                className="table-row"
                style={{ position: "absolute", top: 0, left: 0, right: 0, height: ROW_HEIGHT, transform: `translateY(${start}px)` }}
              >
                {columns.map(({ label: head, cell }, at) => (
                  <span key={head} role="cell" {...(at === 0 ? { className: "cut", title: titleOf(row) } : {})}>
                    {cell(row)}
                  </span>
                ))}
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

interface Sorted<Name extends string> {
  readonly name: Name;
  readonly label: string;
  readonly sort: SortBy<Name>;
  readonly onSort: (sort: SortBy<Name>) => void;
}

/** The largest first, at the first click; names from the front. */
function SortHead<Name extends string>({ name, label, sort, onSort }: Sorted<Name>): ReactNode {
  const { shell } = useText();
  const direction = sort === name ? "ascending" : sort === `-${name}` ? "descending" : "none";
  const next: SortBy<Name> = direction === "descending" ? name : direction === "ascending" ? `-${name}` : name === "name" ? name : `-${name}`;
  return (
    <span role="columnheader" aria-sort={direction}>
      <UnstyledButton className="sorter" aria-label={shell.list.sortBy(label)} onClick={() => onSort(next)}>
        {label} {direction === "ascending" && <IconArrowUp size={13} aria-hidden />}
        {direction === "descending" && <IconArrowDown size={13} aria-hidden />}
      </UnstyledButton>
    </span>
  );
}
