import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { TaskEvents } from "../../live/task-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { useLog } from "./use-log.ts";

const SHOWN = 10;

/** The last lines of the log, as they come. */
export function LogTail({ id, events }: { readonly id: string; readonly events: TaskEvents }): ReactNode {
  const { task } = useText();
  const format = useFormat();
  const { lines } = useLog({ id, level: "info", search: "", page: SHOWN, events });
  return (
    <div role="log" aria-label={task.logs.label}>
      {lines.slice(-SHOWN).map(({ line, at, level, message }) => (
        <Text key={line} size="xs" className="mono break" style={level === "info" ? {} : { color: "var(--tone-warn)" }}>
          <span className="dim">{format.clock(at)}</span> {message}
        </Text>
      ))}
    </div>
  );
}
