import { SimpleGrid, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import type { TaskEvents } from "../../live/task-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Note } from "../../ui/note.tsx";
import { hasBegun } from "./begun.ts";
import { CompletePanel } from "./complete-panel.tsx";
import { FigureCharts } from "./figure-charts.tsx";
import { LaneList } from "./lane-list.tsx";
import { ProgressPanel } from "./progress-panel.tsx";
import { ReportPanel } from "./report-panel.tsx";
import { StepList } from "./step-list.tsx";
import { summaryOf } from "./summary.ts";
import { TaskFacts } from "./task-facts.tsx";

/** Where the switch is to come: its panel has its place from the beginning. */
const COMPLETABLE = new Set(["checking", "checkPassed", "preparing", "running", "retrying", "readyToComplete", "completing"]);

/** Where it stands, at a glance. From its start on all has its place: while it runs unattended, nothing of what somebody reads moves. */
export function Overview({ task, events }: { readonly task: TaskDetail; readonly events: TaskEvents }): ReactNode {
  const { task: text } = useText();
  const format = useFormat();
  const summary = summaryOf(task);
  const follows = task.type === "full+incremental" && hasBegun(task) && COMPLETABLE.has(task.state);
  const hasFigures = task.type !== "structure" && hasBegun(task);
  return (
    <Stack gap="md">
      <ErrorPanel error={task.error} {...(task.nextTryAt === null ? {} : { title: text.nextTry(format.clock(task.nextTryAt)) })} />
      {task.isHeld && <Note tone="neutral">{text.held}</Note>}
      {task.state === "terminated" && task.startedAt !== null && <Note tone="warn">{text.leftovers}</Note>}
      {summary !== undefined && <ReportPanel task={task} summary={summary} />}
      {summary === undefined && <ProgressPanel task={task} />}
      {follows && <CompletePanel task={task} events={events} />}
      <div className={hasFigures ? "overview" : undefined}>
        {hasFigures && <FigureCharts task={task} />}
        <SimpleGrid className="overview-side" cols={hasFigures ? 1 : { base: 1, md: 2 }} spacing="md">
          <StepList task={task} />
          <TaskFacts task={task} />
        </SimpleGrid>
        {hasFigures && summary === undefined && (task.progress?.lanes.length ?? 0) > 0 && <LaneList task={task} />}
      </div>
    </Stack>
  );
}
