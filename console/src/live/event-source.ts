import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";
import { SESSION_KEY } from "../api/session.ts";

/** `connecting` until the first answer; `reconnecting`: it was there, and is tried again. */
export type Connection = "connecting" | "live" | "reconnecting";

/** So long a refused event source is left alone: EventSource itself tries again only where the connection broke. */
const AGAIN_MS = 4_000;

interface Listening {
  /** undefined: nothing to listen to. */
  readonly address: string | undefined;
  readonly events: readonly string[];
  readonly onEvent: (event: string, data: unknown, id: string) => void;
  /** The connection is back: what happened meanwhile was missed. */
  readonly onReturn: () => void;
}

/** Listens to server-sent events for as long as the component lives. */
export function useEventSource({ address, events, onEvent, onReturn }: Listening): Connection {
  const [connection, setConnection] = useState<Connection>("connecting");
  const queryClient = useQueryClient();
  const told = useEffectEvent(onEvent);
  const returned = useEffectEvent(onReturn);
  const names = events.join(" ");
  useEffect(() => {
    if (address === undefined) return undefined;
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let wasLost = false;
    const open = (): void => {
      source = new EventSource(address);
      source.addEventListener("open", () => {
        setConnection("live");
        if (wasLost) returned();
        wasLost = false;
      });
      source.addEventListener("error", () => {
        if (!wasLost) void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
        wasLost = true;
        setConnection("reconnecting");
        if (source.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
      });
      for (const name of names.split(" ")) {
        source.addEventListener(name, (event: MessageEvent<string>) => told(name, JSON.parse(event.data), event.lastEventId));
      }
    };
    open();
    return () => {
      clearTimeout(again);
      source.close();
    };
  }, [address, names, queryClient]);
  return connection;
}
