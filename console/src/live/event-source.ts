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
  /** The connection is gone, or was refused: perhaps there is nothing to listen to any more. */
  readonly onLoss?: () => void;
  /** The connection is back: what happened meanwhile was missed. */
  readonly onReturn: () => void;
}

/**
 * Listens to server-sent events for as long as the component lives, and the tab is shown: a browser has six connections to a server over HTTP/1.1, for all of its tabs. One that is shown again has
 * missed things, as after a loss, but nothing is the matter.
 */
export function useEventSource({ address, events, onEvent, onLoss, onReturn }: Listening): Connection {
  const [connection, setConnection] = useState<Connection>("connecting");
  const queryClient = useQueryClient();
  const told = useEffectEvent(onEvent);
  const lost = useEffectEvent(() => onLoss?.());
  const returned = useEffectEvent(onReturn);
  const names = events.join(" ");
  useEffect(() => {
    if (address === undefined) return undefined;
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    let isLost = false;
    let hasMissed = false;
    const open = (): void => {
      const opened = new EventSource(address);
      source = opened;
      opened.addEventListener("open", () => {
        setConnection("live");
        if (hasMissed) returned();
        isLost = false;
        hasMissed = false;
      });
      opened.addEventListener("error", () => {
        if (!isLost) {
          void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
          lost();
        }
        isLost = true;
        hasMissed = true;
        setConnection("reconnecting");
        if (opened.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
      });
      for (const name of names.split(" ")) {
        opened.addEventListener(name, (event: MessageEvent<string>) => told(name, JSON.parse(event.data), event.lastEventId));
      }
    };
    const close = (): void => {
      clearTimeout(again);
      source?.close();
      source = undefined;
    };
    const follow = (): void => {
      if (document.visibilityState === "hidden") {
        close();
        hasMissed = true;
      } else if (source === undefined) open();
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      close();
    };
  }, [address, names, queryClient]);
  return connection;
}
