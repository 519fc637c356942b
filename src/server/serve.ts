import { isIP } from "node:net";
import { join } from "node:path";
import { GodwitError } from "../errors/godwit-error.ts";
import { type TaskLocation, openTasks } from "../task/open-tasks.ts";
import { startWorker } from "../task/worker.ts";
import { watchAlerts } from "./alerts/watch-alerts.ts";
import { buildApp } from "./app.ts";
import { keepListening } from "./keep-listening.ts";
import { makeServices } from "./services.ts";

export interface ServeOptions {
  readonly location: TaskLocation;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly trustsProxy: boolean;
  /** Works on tasks in this process. */
  readonly hasWorker: boolean;
  /** Forgets all accounts, sessions and tokens. */
  readonly resetsAccess: boolean;
  readonly retryForMs: number;
  readonly keepEndedForMs: number;
  readonly loginsPerMinute?: number;
  /** One sentence about what happened to the server itself. */
  readonly log: (sentence: string) => void;
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Set while there is no account: makes the first one, once. A secret. */
  readonly setupUrl: string | undefined;
  /** Ends connections; what its worker works on is given back, and goes on elsewhere or later. */
  stop(): Promise<void>;
}

const CONSOLE = join(import.meta.dirname, "..", "..", "console", "dist");

/** Opens the store, starts a worker, and listens. Throws `listen-failed`, or what opening the store throws. */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { location, host, port, tls, log } = options;
  await using stack = new AsyncDisposableStack();
  const opened = stack.use(await openTasks(location, log));
  const services = makeServices(opened);
  const stopping = new AbortController();
  if (options.resetsAccess) await services.sessions.resetAccess();
  const background = [keepListening(opened.store, stopping.signal), watchAlerts(services, stopping.signal, log)];
  stack.defer(async () => {
    stopping.abort();
    await Promise.all(background);
  });
  const app = await buildApp({
    services,
    queries: opened.queries,
    stopping: stopping.signal,
    tls,
    trustsProxy: options.trustsProxy,
    ...(options.loginsPerMinute === undefined ? {} : { loginsPerMinute: options.loginsPerMinute }),
    consoleDirectory: CONSOLE,
    log,
  });
  stack.defer(async () => {
    stopping.abort(); // events never end by themselves
    await app.close();
  });
  const url = await listen(app, host, port, tls !== undefined);
  if (options.hasWorker) {
    const worker = await startWorker({ ...opened, retryForMs: options.retryForMs, keepEndedForMs: options.keepEndedForMs, log });
    stack.defer(async () => await worker.stop());
  }
  const token = await services.sessions.newSetupLink();
  const running = stack.move();
  return { url, setupUrl: token === undefined ? undefined : `${url}/setup?token=${token}`, stop: async () => await running.disposeAsync() };
}

async function listen(app: Awaited<ReturnType<typeof buildApp>>, host: string, port: number, isTls: boolean): Promise<string> {
  try {
    const address = new URL(await app.listen({ host, port }));
    // Somebody who listens everywhere is reached by this name, too.
    const shown = ["0.0.0.0", "::"].includes(host) ? "localhost" : isIP(host) === 6 ? `[${host}]` : host;
    return `${isTls ? "https" : "http"}://${shown}:${address.port}`;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new GodwitError("listen-failed", `cannot listen at ${host}:${port} (${code ?? String(cause)})`, { object: `${host}:${port}`, cause });
  }
}
