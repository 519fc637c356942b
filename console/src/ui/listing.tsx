import { Group, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
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
  readonly children: (row: Row) => ReactNode;
}

/** A list of the settings: what it is, what may be added, and a table. */
export function Listing<Row>({ label, intro, action, columns, rows, error, none, children }: Listed<Row>): ReactNode {
  return (
    <>
      <Group justify="space-between" gap="sm" mb="sm">
        <Text size="sm" c="dimmed" maw={680}>
          {intro}
        </Text>
        {action}
      </Group>
      <ErrorPanel error={error} />
      <div className="card" style={{ overflowX: "auto" }}>
        {rows === undefined && error === null && <Waiting rows={3} />}
        {rows !== undefined && rows.length === 0 && <NothingHere>{none}</NothingHere>}
        {rows !== undefined && rows.length > 0 && (
          <Table className="dense" miw={680} aria-label={label}>
            <Table.Thead>
              <Table.Tr>
                {columns.map((column) => (
                  <Table.Th key={column}>{column}</Table.Th>
                ))}
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>{rows.map(children)}</Table.Tbody>
          </Table>
        )}
      </div>
    </>
  );
}
