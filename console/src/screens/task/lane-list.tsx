import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Section } from "../../ui/section.tsx";

/** What is worked on this second. */
export function LaneList({ task: { progress } }: { readonly task: TaskDetail }): ReactNode {
  const { task, words } = useText();
  const format = useFormat();
  return (
    <Section title={task.lanes.title}>
      <ul className="lanes">
        {progress?.lanes.map(({ doing, since, rows, bytes }, at) => (
          <li key={at}>
            <span className="cut" title={doing}>
              {doing}
            </span>
            <span className="small dim">
              {[rows === null ? "" : words.rows(format.count(rows)), bytes === null ? "" : format.bytes(bytes)].filter((text) => text !== "").join(", ")}
            </span>
            <span className="small dim">{task.lanes.since(format.duration(Math.max(0, Math.round((Date.parse(progress.updatedAt) - Date.parse(since)) / 1000))))}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
