import { Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Figure } from "../../ui/figure.tsx";
import { Section } from "../../ui/section.tsx";
import { hasBegun } from "./begun.ts";

const MOVING = new Set(["checking", "preparing", "running", "readyToComplete", "completing"]);

/** How far, how fast, how long still; while changes are followed: how far behind. */
export function ProgressPanel({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts, words } = useText();
  const text = texts.progress;
  const format = useFormat();
  const { progress, state } = task;
  if (progress === null && !hasBegun(task)) {
    return (
      <Section title={text.title}>
        <Text size="sm" c="dimmed">
          {text.none}
        </Text>
      </Section>
    );
  }
  const stream = progress?.stream ?? null;
  const percent = stream === null ? (progress?.percent ?? null) : 100;
  const alarms = stream?.alarms ?? [];
  const isMoving = MOVING.has(state) || (state === "checkPassed" && hasBegun(task));
  const waits = isMoving && progress !== null ? progress.waits : [];
  const notes = waits.length + alarms.length;
  return (
    <Section
      title={progress === null ? text.title : `${text.title}: ${words.step[progress.step] ?? progress.step}`}
      actions={
        progress !== null &&
        !isMoving && (
          <Text size="xs" c="dimmed">
            {text.stale(format.moment(progress.updatedAt))}
          </Text>
        )
      }
    >
      <Stack gap="sm">
        <Progress value={percent ?? 0} size="sm" aria-label={`${text.copied}: ${percent === null ? "–" : format.percent(percent)}`} striped={isMoving && stream === null} />
        <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="md" verticalSpacing="xs">
          {stream === null ? <CopyFigures task={task} /> : <StreamFigures task={task} />}
        </SimpleGrid>
        <div
          className={task.endedAt === null ? "progress-notes" : undefined}
          role="status"
          tabIndex={notes === 0 ? undefined : 0}
          aria-label={notes === 0 ? undefined : text.title}
        >
          <Notes title={text.waits} lines={waits} />
          <Notes title={text.alarms} lines={alarms} />
        </div>
      </Stack>
    </Section>
  );
}

function CopyFigures({ task: { progress } }: { readonly task: TaskDetail }): ReactNode {
  const { task, words } = useText();
  const text = task.progress;
  const format = useFormat();
  if (progress === null) return [text.copied, text.eta, text.speed, text.rows, text.tables, text.indexes].map((label) => <Figure key={label} label={label} value={undefined} />);
  const { percent, etaSeconds, bytesPerSecond, rowsPerSecond, copiedBytes, copiedRows, doneBytes, totalBytes, doneTables, totalTables, doneIndexes, totalIndexes } = progress;
  return (
    <>
      <Figure
        label={text.copied}
        value={percent === null ? undefined : format.percent(percent)}
        note={totalBytes > 0 && text.of(format.bytes(doneBytes), format.bytes(totalBytes))}
      />
      <Figure label={text.eta} value={etaSeconds === null ? undefined : format.duration(etaSeconds)} />
      <Figure label={text.speed} value={format.bytesPerSecond(bytesPerSecond)} note={words.perSecond(words.rows(format.short(rowsPerSecond)))} />
      <Figure label={text.rows} value={format.count(copiedRows)} note={text.copiedNote(format.bytes(copiedBytes))} />
      <Figure label={text.tables} value={text.of(format.count(doneTables), format.count(totalTables))} />
      <Figure label={text.indexes} value={text.of(format.count(doneIndexes), format.count(totalIndexes))} />
    </>
  );
}

function StreamFigures({ task: { progress } }: { readonly task: TaskDetail }): ReactNode {
  const { task, words } = useText();
  const text = task.progress;
  const format = useFormat();
  if (progress?.stream === null || progress?.stream === undefined) return null;
  const { lagBytes, lagSeconds, transactions, changes, skipped, retainedBytes } = progress.stream;
  return (
    <>
      <Figure label={text.lagSeconds} value={lagSeconds === null ? undefined : format.duration(lagSeconds)} note={lagSeconds === 0 && words.caughtUp} />
      <Figure label={text.lagBytes} value={lagBytes === null ? undefined : format.bytes(lagBytes)} note={retainedBytes !== null && text.retained(format.bytes(retainedBytes))} />
      <Figure label={text.speed} value={format.bytesPerSecond(progress.bytesPerSecond)} note={words.perSecond(words.changes(format.short(progress.rowsPerSecond)))} />
      <Figure label={text.transactions} value={format.count(transactions)} note={text.transactionsPerSecond(format.short(progress.transactionsPerSecond))} />
      <Figure label={text.changes} value={format.count(changes)} note={skipped > 0 && text.skipped(format.count(skipped))} />
      <Figure label={text.rows} value={format.count(progress.copiedRows)} note={text.copiedNote(format.bytes(progress.copiedBytes))} />
    </>
  );
}

function Notes({ title, lines }: { readonly title: string; readonly lines: readonly string[] }): ReactNode {
  if (lines.length === 0) return null;
  return (
    <div>
      <Text size="xs" fw={600} style={{ color: "var(--tone-warn)" }}>
        {title}
      </Text>
      {lines.map((line) => (
        <Text key={line} size="sm" className="break">
          {line}
        </Text>
      ))}
    </div>
  );
}
