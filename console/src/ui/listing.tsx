import { Group, Table, Text, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";
import { ErrorPanel } from "./error-panel.tsx";
import { NothingHere } from "./nothing-here.tsx";
import { Waiting } from "./waiting.tsx";

interface Listed<Row> {
  /** What the list is called. */
  readonly label: string;
  readonly intro: string;
  readonly action?: ReactNode;
  readonly columns: readonly string[];
  /** undefined while they are asked for. */
  readonly rows: readonly Row[] | undefined;
  readonly error: unknown;
  readonly none: string;
  /** Rows end with buttons. */
  readonly hasActions?: boolean;
  readonly children: (row: Row) => ReactNode;
}

/** A list of the settings: what it is, what may be added, and a table. */
export function Listing<Row>({ label, intro, action, columns, rows, error, none, hasActions = true, children }: Listed<Row>): ReactNode {
  const { words } = useText();
  return (
    <>
      <Group justify="space-between" gap="sm" mb="sm">
        <Text size="sm" c="dimmed" maw={680}>
          {intro}
        </Text>
        {action}
      </Group>
      <ErrorPanel error={error} />
      {/* Focusable, so that the keyboard can scroll it. */}
      <div className="card wide" role="region" aria-label={label} tabIndex={0}>
        {rows === undefined && error === null && <Waiting rows={3} />}
        {rows !== undefined && rows.length === 0 && <NothingHere>{none}</NothingHere>}
        {rows !== undefined && rows.length > 0 && (
          <Table className="dense" miw={840} aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
                {hasActions && (
                  <Table.Th>
                    <VisuallyHidden>{words.actions}</VisuallyHidden>
                  </Table.Th>
                )}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{rows.map(children)}</Table.Tbody>
          </Table>
        )}
      </div>
    </>
  );
}
