import { Button, Group, Stack, Table, Text } from "@mantine/core";
import { IconRefresh } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { every } from "../../api/query-client.ts";
import { type TaskDetail, changesQuery } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Section } from "../../ui/section.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { type ShownConflict, type TableChanges, shownConflict, tableChanges } from "./changes.ts";

const EVERY_MS = 10_000;

/** What came of the changes since the copy, as the target keeps it until Complete. */
export function ChangesTab({ task: { id, endedAt } }: { readonly task: TaskDetail }): ReactNode {
  const { task } = useText();
  const text = task.changes;
  const { data, error, refetch, isFetching } = useQuery({ ...changesQuery(id), refetchInterval: endedAt === null ? every(EVERY_MS) : false });
  const databases = data?.databases ?? [];
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
      {databases.map(({ database, tables, conflicts }) => (
        <Stack key={database} gap="md">
          <Section title={`${text.conflicts}: ${database}`} flush={conflicts.length > 0}>
            {conflicts.length === 0 ? <Text size="sm">{text.noConflicts}</Text> : <Conflicts conflicts={conflicts.map(shownConflict)} />}
          </Section>
          <Section title={`${text.tables}: ${database}`} flush={tables.length > 0}>
            {tables.length === 0 ? <Text size="sm">{text.noTables}</Text> : <Counters tables={tables.map(tableChanges)} />}
          </Section>
        </Stack>
      ))}
    </Stack>
  );
}

function Counters({ tables }: { readonly tables: readonly TableChanges[] }): ReactNode {
  const { task } = useText();
  const { columns } = task.changes;
  const format = useFormat();
  return (
    <div style={{ overflow: "auto", maxHeight: 480 }} tabIndex={0}>
      <Table className="dense" miw={560} stickyHeader aria-label={task.changes.tables}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{columns.table}</Table.Th>
            {[columns.insert, columns.update, columns.delete, columns.truncate, columns.skipped].map((name) => (
              <Table.Th key={name} ta="right">
                {name}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {tables.map(({ table, applied, skipped }) => (
            <Table.Tr key={table}>
              <Table.Td className="break">{table}</Table.Td>
              {applied.map((count, kind) => (
                <Table.Td key={kind} ta="right">
                  {format.count(count)}
                </Table.Td>
              ))}
              <Table.Td ta="right" style={skipped > 0 ? { color: "var(--tone-warn)", fontWeight: 600 } : {}}>
                {format.count(skipped)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
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
