import { Progress, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { TaskRow } from "../../api/tasks.ts";
import type { Format } from "../../text/format.ts";
import type { Text as Words } from "../../text/text.ts";
import { useFormat, useText } from "../../text/text-context.tsx";

/** The step a task is at, and how far; why it stands still, where it does. */
export function ProgressCell({ task }: { readonly task: TaskRow }): ReactNode {
  const { words, shell } = useText();
  const format = useFormat();
  const { progress, state } = task;
  if (state === "scheduled" && task.scheduledAt !== null) return <Dim>{shell.list.startsAt(format.moment(task.scheduledAt))}</Dim>;
  if (task.error !== null) {
    return (
      <Text size="xs" lineClamp={2} title={task.error.message} className="break" style={{ color: state === "retrying" ? "var(--tone-warn)" : "var(--tone-bad)" }}>
        {task.nextTryAt === null ? "" : `${shell.list.nextTry(format.clock(task.nextTryAt))}: `}
        {task.error.message}
      </Text>
    );
  }
  if (task.endedAt !== null && task.startedAt !== null) return <Dim>{format.duration((Date.parse(task.endedAt) - Date.parse(task.startedAt)) / 1000)}</Dim>;
  const step = progress?.step ?? task.step;
  if (step === null || state === "draft") return <Dim>–</Dim>;
  const percent = progress?.stream === null ? progress.percent : null;
  return (
    <div>
      <Text size="xs" className="cut">
        {words.step[step] ?? step}
        {percent === null ? "" : ` · ${format.percent(percent)}`}
        {progress?.etaSeconds === null || progress?.etaSeconds === undefined ? "" : ` · ${format.duration(progress.etaSeconds)}`}
      </Text>
      {percent !== null && <Progress value={percent} size={4} mt={4} aria-label={words.step[step] ?? step} />}
    </div>
  );
}

/** How far behind the source, while changes are followed; before that, how fast. */
export function LagCell({ task }: { readonly task: TaskRow }): ReactNode {
  const { words } = useText();
  const format = useFormat();
  const { progress } = task;
  if (progress === null || task.endedAt !== null) return <Dim>–</Dim>;
  if (progress.stream !== null) return <Text size="xs">{lagText(progress.stream, format, words)}</Text>;
  return progress.bytesPerSecond > 0 ? <Text size="xs">{format.bytesPerSecond(progress.bytesPerSecond)}</Text> : <Dim>–</Dim>;
}

export function lagText({ lagBytes, lagSeconds }: { readonly lagBytes: number | null; readonly lagSeconds: number | null }, format: Format, words: Words["words"]): string {
  if (lagBytes === null && lagSeconds === null) return "–";
  if (lagBytes === 0 && lagSeconds === 0) return words.caughtUp;
  return [lagSeconds === null ? "" : format.duration(lagSeconds), lagBytes === null ? "" : format.bytes(lagBytes)].filter((text) => text !== "").join(" · ");
}

/** user@host:port/database without the account, which a list has no room for. */
export function shortServer(server: string): string {
  return server.replace(/^[^@]*@/, "");
}

function Dim({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Text size="xs" c="dimmed">
      {children}
    </Text>
  );
}
