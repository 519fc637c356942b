import { useCallback, useEffect, useState } from "react";
import { call } from "../../api/client.ts";
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
  const { connection, listenToLog } = events;
  const isLost = connection === "reconnecting";

  const ask = useCallback(
    async (before: string | undefined, signal?: AbortSignal) =>
      await call("listLogs", {
        params: { id },
        query: { level, limit: page, ...(search === "" ? {} : { search }), ...(before === undefined ? {} : { before }) },
        ...(signal === undefined ? {} : { signal }),
      }),
    [id, level, search, page],
  );

  // Asked for again when the connection is back: what was told meanwhile may have been missed.
  useEffect(() => {
    if (isLost) return undefined;
    const stop = new AbortController();
    const unlisten = listenToLog((line) => {
      if (LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level) || !line.message.toLowerCase().includes(search.toLowerCase())) return;
      setLog((now) => (Number(line.line) <= Number(now.lines.at(-1)?.line ?? 0) ? now : { ...now, lines: [...now.lines.slice(-MOST_KEPT), line] }));
    });
    void (async () => {
      try {
        const { lines } = await ask(undefined, stop.signal);
        const last = Number(lines.at(-1)?.line ?? 0);
        setLog((now) => ({
          lines: [...lines, ...now.lines.filter(({ line }) => Number(line) > last && !stop.signal.aborted)],
          isLoading: false,
          hasOlder: lines.length === page,
          error: null,
        }));
      } catch (error) {
        if (!stop.signal.aborted) setLog((now) => ({ ...now, isLoading: false, error }));
      }
    })();
    return () => {
      stop.abort();
      unlisten();
      setLog({ lines: [], isLoading: true, hasOlder: false, error: null });
    };
  }, [ask, isLost, level, listenToLog, page, search]);

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
