import { Button, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { isMissing } from "../../api/api-failure.ts";
import { checksQuery, taskQuery } from "../../api/tasks.ts";
import { useTaskEvents } from "../../live/task-events.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { LiveNotes } from "../../ui/live-notes.tsx";
import { Note } from "../../ui/note.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { CheckList } from "../checks/check-list.tsx";
import { mayStart } from "../checks/may-start.ts";
import { StepButtons } from "./step-buttons.tsx";

interface Step {
  readonly id: string;
  readonly onBack: () => void;
  readonly onNext: () => void;
}

/** ③ What the checks say, while they run. */
export function ChecksStep({ id, onBack, onNext }: Step): ReactNode {
  const { create, words } = useText();
  const { data: task, error } = useQuery(taskQuery(id));
  const { data: checks } = useQuery(checksQuery(id));
  const { connection } = useTaskEvents(error === null ? id : undefined);
  if (isMissing(error)) return <ErrorPanel error={error} />;
  if (task === undefined) return error === null ? <Waiting rows={5} /> : <ErrorPanel error={error} />;
  const isFree = mayStart(task, checks);
  const isTold = checks !== undefined && checks.items.length > 0 && !checks.isRunning && task.state !== "checking";
  return (
    <Stack gap="md">
      <LiveNotes connection={connection} workers={task.workers} />
      {/* That checks have failed is told by the checks. */}
      {task.error?.code !== "precheck-failed" && <ErrorPanel error={task.error} />}
      <CheckList task={task} />
      {isTold && <Note tone={isFree ? "good" : "warn"}>{isFree ? create.checks.allPassed : create.checks.mustMend}</Note>}
      <StepButtons>
        <Button variant="default" onClick={onBack}>
          {words.back}
        </Button>
        <Button onClick={onNext} disabled={!isFree}>
          {words.next}
        </Button>
      </StepButtons>
    </Stack>
  );
}
