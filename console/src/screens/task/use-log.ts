import { useCallback, useEffect, useState } from "react";
import { isPassing } from "../../api/api-failure.ts";
import { call } from "../../api/client.ts";
import { AGAIN_MS } from "../../api/query-client.ts";
import type { ShownLogLine } from "../../api/tasks.ts";
import type { TaskEvents } from "../../live/task-events.ts";

export type LogLevel = ShownLogLine["level"];
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** The browser keeps so many lines; older ones can be asked for again. */
const MOST_KEPT = 20_000;

interface Wanted {
  readonly id: string;
  readonly level: LogLevel;
  readonly search: string;
  /** So many lines are asked for at once. */
  readonly page: number;
  readonly events: TaskEvents;
}

export interface Log {
  readonly lines: readonly ShownLogLine[];
  readonly isLoading: boolean;
  readonly hasOlder: boolean;
  readonly error: unknown;
  readonly loadOlder: () => Promise<void>;
}

/** The newest lines of a task's log, and each that is added. */
export function useLog({ id, level, search, page, events }: Wanted): Log {
  const [log, setLog] = useState<Omit<Log, "loadOlder">>({ lines: [], isLoading: true, hasOlder: false, error: null });
  const { returns, listenToLog } = events;

  const ask = useCallback(
    async (before: string | undefined, signal?: AbortSignal) =>
      await call("listLogs", {
        params: { id },
        query: { level, limit: page, ...(search === "" ? {} : { search }), ...(before === undefined ? {} : { before }) },
        ...(signal === undefined ? {} : { signal }),
      }),
    [id, level, search, page],
  );

  useEffect(() => {
    const unlisten = listenToLog((line) => {
      if (LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level) || !line.message.toLowerCase().includes(search.toLowerCase())) return;
      setLog((now) => (Number(line.line) <= Number(now.lines.at(-1)?.line ?? 0) ? now : { ...now, lines: [...now.lines.slice(-MOST_KEPT), line] }));
    });
    return () => {
      unlisten();
      setLog({ lines: [], isLoading: true, hasOlder: false, error: null });
    };
  }, [id, level, listenToLog, search]);

  // Asked for again when the connection is back: what was told meanwhile was missed.
  useEffect(() => {
    const stop = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    const catchUp = async (): Promise<void> => {
      try {
        const { lines } = await ask(undefined, stop.signal);
        if (stop.signal.aborted) return;
        setLog((now) => ({ ...caughtUp(now, lines, lines.length === page), isLoading: false, error: null }));
      } catch (error) {
        if (stop.signal.aborted) return;
        setLog((now) => ({ ...now, isLoading: false, error }));
        if (isPassing(error)) again = setTimeout(() => void catchUp(), AGAIN_MS);
      }
    };
    void catchUp();
    return () => {
      clearTimeout(again);
      stop.abort();
    };
  }, [ask, page, returns]);

  return {
    ...log,
    loadOlder: async () => {
      try {
        const { lines } = await ask(log.lines[0]?.line);
        setLog((now) => ({ ...now, lines: [...lines, ...now.lines], hasOlder: lines.length === page }));
      } catch (error) {
        setLog((now) => ({ ...now, error }));
      }
    },
  };
}

/** What is shown, with the newest lines: older ones stay where nothing is missing between the two. */
function caughtUp({ lines, hasOlder }: Pick<Log, "lines" | "hasOlder">, newest: readonly ShownLogLine[], hasMore: boolean): Pick<Log, "lines" | "hasOlder"> {
  const last = Number(newest.at(-1)?.line ?? 0);
  const meets = hasMore ? lines.findIndex(({ line }) => line === newest[0]?.line) : -1;
  return {
    lines: [...lines.slice(0, Math.max(meets, 0)), ...newest, ...lines.filter(({ line }) => Number(line) > last)],
    hasOlder: meets > 0 ? hasOlder : hasMore,
  };
}
