import type { ReactNode } from "react";
import type { TaskDetail } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Facts } from "../../ui/facts.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { Section } from "../../ui/section.tsx";

/** What was asked for. */
export function TaskFacts({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts, create, words } = useText();
  const text = texts.facts;
  const format = useFormat();
  const { options, accepted } = task;
  const patterns = (list: TaskDetail["options"]["include"]): ReactNode =>
    list.length === 0 ? null : list.slice(0, 20).map(({ kind, pattern }) => <div key={`${kind} ${pattern}`} className="mono">{`${kind}=${pattern}`}</div>);
  const flags = [
    !options.owner && text.noOwner,
    !options.privileges && text.noPrivileges,
    options.publications && text.publications,
    options.verify && text.verify,
    !options.statistics && text.noStatistics,
    options.acceptAlarms && text.acceptAlarms,
    options.fence && text.fence,
    options.untilCaughtUp && text.untilCaughtUp,
    task.type === "full+incremental" && options.conflicts !== null && text.conflicts(create.options.conflict[options.conflicts]),
    ...Object.entries(options.tablespaceMap).map(([from, to]) => text.tablespace(from, to)),
  ].filter((flag) => flag !== false);
  return (
    <Section title={text.title}>
      <Facts
        facts={
          [
            [text.source, <span className="mono">{task.source}</span>],
            [text.target, <span className="mono">{task.target}</span>],
            [text.type, words.type[task.type]],
            [text.objects, task.instance ? text.instance : text.database],
            [text.include, patterns(options.include)],
            [text.exclude, patterns(options.exclude)],
            [text.options, flags.join(", ")],
            [text.accepted, accepted.map(({ check, by, at }) => <div key={check}>{`${check} (${by}, ${format.moment(at)})`}</div>)],
            [text.concurrency, format.count(task.concurrency)],
            [text.rateLimit, task.rateLimit === null ? null : format.bytesPerSecond(task.rateLimit)],
            [text.created, <MomentText at={task.createdAt} />],
            [text.started, task.startedAt === null ? null : <MomentText at={task.startedAt} />],
            [text.ended, task.endedAt === null ? null : <MomentText at={task.endedAt} />],
            [text.run, task.run > 1 ? format.count(task.run) : null],
          ].filter(([, value]) => !Array.isArray(value) || value.length > 0) as [string, ReactNode][]
        }
      />
    </Section>
  );
}
