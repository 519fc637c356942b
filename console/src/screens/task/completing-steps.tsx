import { Text } from "@mantine/core";
import { IconCircleDashed } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";

/** The steps of Complete as they happen: done with their times, at work, still to come. `complete`: what the run tells; null before it begins. */
export function CompletingSteps({ steps, complete }: { readonly steps: readonly string[]; readonly complete: NonNullable<TaskDetail["progress"]>["complete"] }): ReactNode {
  const { task } = useText();
  const format = useFormat();
  const { current = null, done = [] } = complete ?? {};
  const hasMany = new Set([...done.map(({ database }) => database), ...(current === null ? [] : [current.database])]).size > 1;
  const named = (step: string, database: string): string => (hasMany ? `${database}: ${task.complete.steps[step] ?? step}` : (task.complete.steps[step] ?? step));
  const ofThis = done.filter(({ database }) => database === (current?.database ?? done.at(-1)?.database)).map(({ step }) => step as string);
  const toCome = steps.filter((step) => !ofThis.includes(step) && step !== current?.step);
  return (
    <ol className="completed" aria-live="polite">
      {done.map(({ step, database, seconds, aligned }) => (
        <li key={`${step} ${database}`}>
          <ResultIcon result="passed" size={16} />
          <Text size="sm">
            {named(step, database)}{" "}
            <Text span size="xs" c="dimmed">
              {format.duration(seconds)}
              {aligned > 0 && ` · ${task.report.aligned(format.count(aligned))}`}
            </Text>
          </Text>
        </li>
      ))}
      {current !== null && (
        <li>
          <ResultIcon result="running" size={16} />
          <Text size="sm" fw={600}>
            {named(current.step, current.database)}
          </Text>
        </li>
      )}
      {toCome.map((step) => (
        <li key={step}>
          <IconCircleDashed size={16} aria-hidden style={{ flexShrink: 0, color: "var(--tone-neutral)" }} />
          <Text size="sm" c="dimmed">
            {task.complete.steps[step]}
          </Text>
        </li>
      ))}
    </ol>
  );
}
