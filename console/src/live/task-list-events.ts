import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { addressOf } from "../api/client.ts";
import { TASK_KEYS } from "../api/tasks.ts";
import { type Connection, useEventSource } from "./event-source.ts";

/** Running tasks change each second: so often at most a list is asked for again. */
const EVERY_MS = 1_500;

/** Keeps lists of tasks up to date. */
export function useTaskListEvents(): Connection {
  const queryClient = useQueryClient();
  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refetch = (): void => {
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      void queryClient.invalidateQueries({ queryKey: TASK_KEYS.lists });
    }, EVERY_MS);
  };
  return useEventSource({ address: addressOf("watchTasks"), events: ["tasks"], onEvent: refetch, onReturn: refetch });
}
