import { SimpleGrid, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import type { TaskEvents } from "../../live/task-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Note } from "../../ui/note.tsx";
import { CompletePanel } from "./complete-panel.tsx";
import { FigureCharts } from "./figure-charts.tsx";
import { LaneList } from "./lane-list.tsx";
import { ProgressPanel } from "./progress-panel.tsx";
import { ReportPanel } from "./report-panel.tsx";
import { StepList } from "./step-list.tsx";
import { summaryOf } from "./summary.ts";
import { TaskFacts } from "./task-facts.tsx";

const BEFORE_WORK = new Set(["draft", "checking", "checkPassed", "checkFailed", "scheduled"]);
const COMPLETABLE = new Set(["running", "readyToComplete", "completing"]);

/** Where it stands, at a glance. */
export function Overview({ task, events }: { readonly task: TaskDetail; readonly events: TaskEvents }): ReactNode {
  const { task: text } = useText();
  const format = useFormat();
  const summary = summaryOf(task);
  const follows = task.type === "full+incremental" && COMPLETABLE.has(task.state) && (task.progress?.stream !== null || task.state !== "running");
  const hasFigures = task.type !== "structure" && task.startedAt !== null && !BEFORE_WORK.has(task.state);
  return (
    <Stack gap="md">
      <ErrorPanel error={task.error} {...(task.nextTryAt === null ? {} : { title: text.nextTry(format.clock(task.nextTryAt)) })} />
      {task.isHeld && <Note tone="neutral">{text.held}</Note>}
      {task.state === "terminated" && task.startedAt !== null && <Note tone="warn">{text.leftovers}</Note>}
      {follows && <CompletePanel task={task} events={events} />}
      {summary !== undefined && <ReportPanel task={task} summary={summary} />}
      {summary === undefined && <ProgressPanel task={task} />}
      <div className={hasFigures ? "overview" : undefined}>
        {hasFigures && (
          <Stack gap="md" miw={0}>
            <FigureCharts task={task} />
            {summary === undefined && (task.progress?.lanes.length ?? 0) > 0 && <LaneList task={task} />}
          </Stack>
        )}
        <SimpleGrid cols={hasFigures ? 1 : { base: 1, md: 2 }} spacing="md">
          <StepList task={task} />
          <TaskFacts task={task} />
        </SimpleGrid>
      </div>
    </Stack>
  );
}
