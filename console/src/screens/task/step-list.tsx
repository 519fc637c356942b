import { Text } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";
import { Section } from "../../ui/section.tsx";
import { hasBegun } from "./begun.ts";

const STOPPED = new Set(["failed", "checkFailed", "paused", "terminated"]);

/** The steps of the newest run, with their times. */
export function StepList({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts, words } = useText();
  const text = texts.steps;
  const format = useFormat();
  const databases = new Set(task.steps.flatMap(({ database }) => database ?? []));
  const isStopped = STOPPED.has(task.state);
  const grows = hasBegun(task) && task.endedAt === null && !isStopped;
  const list = useRef<HTMLOListElement>(null);
  const count = task.steps.length;
  useEffect(() => {
    if (grows && list.current !== null) list.current.scrollTop = list.current.scrollHeight;
  }, [grows, count]);
  return (
    <Section title={text.title}>
      {count === 0 && !grows ? (
        <Text size="sm" c="dimmed">
          {text.none}
        </Text>
      ) : (
        <ol ref={list} className="step-list" {...(grows ? { "data-grows": true, tabIndex: 0 } : {})}>
          {task.steps.map(({ step, database, startedAt, finishedAt, seconds }) => (
            <li key={`${step} ${database} ${startedAt}`}>
              <ResultIcon
                size={16}
                result={finishedAt !== null ? "passed" : task.state === "failed" || task.state === "checkFailed" ? "failed" : isStopped ? "skipped" : "running"}
              />
              <span className="cut">
                {words.step[step] ?? step}
                {databases.size > 1 && database !== null && <span className="dim"> · {database}</span>}
              </span>
              <span className="small dim" title={format.exactMoment(startedAt)}>
                {format.clock(startedAt)}
              </span>
              <span className="small" style={{ textAlign: "right" }}>
                {seconds !== null ? format.duration(seconds) : finishedAt === null && !isStopped ? text.running : ""}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}
