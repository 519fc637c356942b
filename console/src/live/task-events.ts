import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef, useState } from "react";
import { addressOf } from "../api/client.ts";
import { rememberTold } from "../api/newest-task.ts";
import { type ShownLogLine, TASK_KEYS, type TaskDetail } from "../api/tasks.ts";
import { type Connection, useEventSource } from "./event-source.ts";

type OnLine = (line: ShownLogLine) => void;

export interface TaskEvents {
  readonly connection: Connection;
  /** How often it came back: each time, lines of the log may have been missed. */
  readonly returns: number;
  /** Hears each new line of the log; returns what ends that. */
  readonly listenToLog: (onLine: OnLine) => () => void;
}

const EVENTS = ["task", "log", "checks", "verification"];

/** Keeps all that is known of one task up to date. */
export function useTaskEvents(id: string | undefined): TaskEvents {
  const queryClient = useQueryClient();
  const listeners = useRef(new Set<OnLine>());
  const [returns, setReturns] = useState(0);
  const onEvent = (event: string, data: unknown): void => {
    if (id === undefined) return;
    if (event === "task") {
      rememberTold(data as TaskDetail);
      queryClient.setQueryData(TASK_KEYS.task(id), data);
    }
    if (event === "log") for (const listener of listeners.current) listener(data as ShownLogLine);
    if (event === "checks") void queryClient.invalidateQueries({ queryKey: TASK_KEYS.checks(id) });
    if (event === "verification") void queryClient.invalidateQueries({ queryKey: TASK_KEYS.verifications(id) });
  };
  const connection = useEventSource({
    address: id === undefined ? undefined : addressOf("watchTask", { id }),
    events: EVENTS,
    onEvent,
    onLoss: () => void (id !== undefined && queryClient.invalidateQueries({ queryKey: TASK_KEYS.task(id), exact: true })),
    onReturn: () => {
      setReturns((now) => now + 1);
      if (id !== undefined) void queryClient.invalidateQueries({ queryKey: TASK_KEYS.task(id) });
    },
  });
  const listenToLog = useCallback((onLine: OnLine) => {
    listeners.current.add(onLine);
    return () => void listeners.current.delete(onLine);
  }, []);
  return { connection, returns, listenToLog };
}
