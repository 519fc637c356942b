import { Button, Group, Stack } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { addressOf } from "../../api/client.ts";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Facts } from "../../ui/facts.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { Section } from "../../ui/section.tsx";
import { CompletedSteps } from "./completed-steps.tsx";
import type { Summary } from "./summary.ts";

/** What was moved, and what Complete did; to keep. */
export function ReportPanel({ task, summary }: { readonly task: TaskDetail; readonly summary: Summary }): ReactNode {
  const { task: texts, words } = useText();
  const text = texts.report;
  const format = useFormat();
  const some = (count: number, write: (count: string) => string): string[] => (count > 0 ? [write(format.count(count))] : []);
  const moved = [
    ...some(summary.databases > 1 ? summary.databases : 0, text.databases),
    ...some(summary.tables, text.tables),
    ...some(summary.rows, text.rows),
    ...(summary.bytes > 0 ? [format.bytes(summary.bytes)] : []),
    ...some(summary.indexes, text.indexes),
    ...some(summary.constraints, text.constraints),
    ...some(summary.sequences, text.sequences),
    ...some(summary.materializedViews, text.views),
    ...some(summary.largeObjects, text.largeObjects),
    ...some(summary.roles, text.roles),
  ];
  const steps = Object.entries(summary.steps).filter(([, seconds]) => seconds >= 0.1 && seconds >= summary.seconds / 50);
  const { changes, completed } = summary.followed ?? {};
  const kept = {
    id: task.id,
    name: task.name,
    source: task.source,
    target: task.target,
    type: task.type,
    startedAt: task.startedAt,
    endedAt: task.endedAt,
    steps: task.steps,
    summary,
  };
  return (
    <Section
      title={text.title}
      actions={
        <Group gap="xs">
          <Button
            component="a"
            href={addressOf("getReport", { id: task.id })}
            download={`godwit-${task.id}.html`}
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
          >
            {text.html}
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDownload size={14} />}
            onClick={() => saveFile(`godwit-${task.id}.json`, "application/json", JSON.stringify(kept, null, 2))}
          >
            {text.json}
          </Button>
        </Group>
      }
    >
      <Stack gap="md">
        <Facts
          facts={[
            [text.took, format.duration(summary.seconds)],
            [text.moved, moved.join(", ")],
            [text.verified, summary.verifiedTables === undefined ? null : text.verifiedTables(format.count(summary.verifiedTables))],
            [text.changes, changes === undefined ? null : text.changesText(format.count(changes.received), format.count(changes.applied), format.count(changes.skipped))],
            [text.writePause, typeof completed?.writePauseMs === "number" ? format.duration(completed.writePauseMs / 1000) : null],
            [text.time, steps.length < 2 ? null : steps.map(([step, seconds]) => `${words.step[step] ?? step} ${format.duration(seconds)}`).join(", ")],
            [
              text.conflicts,
              changes === undefined || changes.conflicts.length === 0 ? null : changes.conflicts.slice(0, 20).map((conflict) => <div key={conflict}>{conflict}</div>),
            ],
          ]}
        />
        {completed !== undefined && <CompletedSteps completed={completed} />}
      </Stack>
    </Section>
  );
}
