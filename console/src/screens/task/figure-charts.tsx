import { SegmentedControl, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { every } from "../../api/query-client.ts";
import { type TaskDetail, historyQuery } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { LineChart } from "../../ui/line-chart.tsx";
import { Section } from "../../ui/section.tsx";

const SPANS = [30, 180, 1440];
const EVERY_MS = 5_000;

/** Throughput, and the lag where changes are followed, over time. */
export function FigureCharts({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts } = useText();
  const text = texts.charts;
  const format = useFormat();
  const [minutes, setMinutes] = useState(30);
  const { data } = useQuery({ ...historyQuery(task.id, minutes), refetchInterval: task.endedAt === null ? every(EVERY_MS) : false });
  const samples = useMemo(() => data?.samples ?? [], [data]);
  const at = useMemo(() => samples.map((sample) => Date.parse(sample.at) / 1000), [samples]);
  const follows = task.type === "full+incremental";
  return (
    <Section
      title={text.throughput}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={text.span}
          value={String(minutes)}
          onChange={(value) => setMinutes(Number(value))}
          data={SPANS.map((span) => ({ value: String(span), label: text.minutes[span] ?? String(span) }))}
        />
      }
    >
      <SimpleGrid cols={1} spacing="sm" pos="relative">
        {data !== undefined && samples.length < 2 && (
          <Text size="sm" c="dimmed" ta="center" pos="absolute" top={70} left={0} right={0}>
            {text.none}
          </Text>
        )}
        <LineChart
          label={text.throughputLabel}
          at={at}
          lines={[
            { label: text.bytes, values: samples.map(({ bytesPerSecond }) => bytesPerSecond), least: 1000, write: (value) => format.bytes(value) },
            { label: text.rows, values: samples.map(({ rowsPerSecond }) => rowsPerSecond), least: 10, write: (value) => format.short(value) },
          ]}
        />
        {follows && (
          <>
            <Text size="sm" fw={600}>
              {text.lag}
            </Text>
            <LineChart
              label={text.lagLabel}
              at={at}
              lines={[
                { label: text.lagBytes, values: samples.map(({ lagBytes }) => lagBytes), least: 1000, write: (value) => format.bytes(value) },
                { label: text.lagSeconds, values: samples.map(({ lagSeconds }) => lagSeconds), least: 1, write: (value) => format.duration(value) },
              ]}
            />
          </>
        )}
      </SimpleGrid>
    </Section>
  );
}
