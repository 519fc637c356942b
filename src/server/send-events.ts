import type { FastifyReply, FastifyRequest } from "fastify";
import { authorize, identify } from "./access/authorize.ts";
import type { Route } from "./contract/route.ts";
import type { Call, ServerEvent } from "./handler.ts";

/** So that proxies do not take a quiet connection for a dead one; and as often it is asked whether whoever watches still may. */
const HEARTBEAT_MS = 15_000;
/** Who connects again waits for so long. */
const RECONNECT_MS = 1000;

/** Sends what a generator yields as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), until either side ends it. */
export async function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  events: AsyncGenerator<ServerEvent>,
  { gone, call, route }: { readonly gone: AbortController; readonly call: Call; readonly route: Route },
): Promise<void> {
  // An error before the first event is an ordinary answer.
  const first = await events.next();
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no", "x-content-type-options": "nosniff" });
  raw.write(`retry: ${RECONNECT_MS}\n\n`);
  const heartbeat = setInterval(() => {
    raw.write(": \n\n");
    void identify(request, call.services)
      .then((who) => authorize(request, who, route))
      .catch(() => gone.abort());
  }, HEARTBEAT_MS);
  try {
    for (let step = first; step.done !== true && !call.signal.aborted; step = await events.next()) {
      const { event, id, data } = step.value;
      const isDrained = raw.write(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      if (!isDrained) await drained(raw, call.signal);
    }
  } catch {
    // Whoever watches connects again, and is told then what is the matter.
  } finally {
    clearInterval(heartbeat);
    gone.abort();
    raw.end();
    void events.return(undefined);
  }
}

async function drained(raw: FastifyReply["raw"], signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    raw.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
