import { Button, Group, NativeSelect, Switch, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { ShownLogLine, TaskDetail } from "../../api/tasks.ts";
import type { TaskEvents } from "../../live/task-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { LOG_LEVELS, type LogLevel, useLog } from "./use-log.ts";

const PAGE = 500;

/** What the runs have told, and what they tell now. */
export function LogTab({ task: { id }, events }: { readonly task: TaskDetail; readonly events: TaskEvents }): ReactNode {
  const { task, words } = useText();
  const text = task.logs;
  const [level, setLevel] = useState<LogLevel>("info");
  const [search, setSearch] = useState("");
  const [settled] = useDebouncedValue(search.trim(), 300);
  const [follows, setFollows] = useState(true);
  const { lines, isLoading, hasOlder, error, loadOlder } = useLog({ id, level, search: settled, page: PAGE, events });
  return (
    <>
      <Group gap="sm" mb="sm">
        <NativeSelect
          size="xs"
          aria-label={text.levelLabel}
          value={level}
          onChange={(event) => setLevel(event.currentTarget.value as LogLevel)}
          data={LOG_LEVELS.map((value) => ({ value, label: words.level[value] }))}
        />
        <TextInput
          size="xs"
          w={240}
          aria-label={text.searchLabel}
          placeholder={text.searchLabel}
          leftSection={<IconSearch size={15} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Switch size="xs" label={text.follow} checked={follows} onChange={(event) => setFollows(event.currentTarget.checked)} />
        {hasOlder && (
          <Button size="compact-sm" variant="default" onClick={() => void loadOlder()}>
            {text.older}
          </Button>
        )}
      </Group>
      <ErrorPanel error={error} />
      <div className="card">
        {isLoading && lines.length === 0 ? (
          <Waiting rows={10} height={16} />
        ) : lines.length === 0 ? (
          <NothingHere>{settled === "" ? text.none : text.noFit}</NothingHere>
        ) : (
          <Lines lines={lines} follows={follows} onScrollUp={() => setFollows(false)} />
        )}
      </div>
    </>
  );
}

interface Lined {
  readonly lines: readonly ShownLogLine[];
  readonly follows: boolean;
  readonly onScrollUp: () => void;
}

/** Only the lines in sight are in the page. */
function Lines({ lines, follows, onScrollUp }: Lined): ReactNode {
  const { task, words } = useText();
  const format = useFormat();
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: lines.length, getScrollElement: () => box.current, estimateSize: () => 22, overscan: 20, getItemKey: (at) => lines[at]?.line ?? at });
  useEffect(() => {
    if (follows && lines.length > 0) virtual.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follows, lines.length, virtual]);
  return (
    <div ref={box} className="log" role="log" aria-label={task.logs.label} tabIndex={0} onWheel={(event) => event.deltaY < 0 && follows && onScrollUp()}>
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const line = lines[index];
          return (
            line !== undefined && (
              <div key={key} ref={virtual.measureElement} data-index={index} className="log-line" data-level={line.level} style={{ transform: `translateY(${start}px)` }}>
                <time dateTime={line.at} title={format.exactMoment(line.at)} className="dim">
                  {format.clock(line.at)}
                </time>
                <span className="log-level">{line.level === "info" ? "" : words.level[line.level]}</span>
                <span className="break">{line.message}</span>
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}
