import { GodwitError } from "../errors/godwit-error.ts";

/** The exit code of everything that was stopped by a signal. */
export const INTERRUPTED = 130;

export interface Interrupt extends Disposable {
  /** Aborted by the first Ctrl-C (SIGINT), SIGTERM or SIGHUP; the reason is a GodwitError `interrupted`. */
  readonly signal: AbortSignal;
}

/**
 * Listens for the signals that ask us to stop, until disposed. The first stops the work cleanly, after `onFirst`; the
 * second ends the process at once, after `onSecond` (which must be synchronous: it says the last words and gives the terminal back).
 */
export function listenForInterrupt(onFirst: () => void = () => undefined, onSecond: () => void = () => undefined): Interrupt {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      onSecond();
      process.exit(INTERRUPTED);
    }
    onFirst();
    controller.abort(new GodwitError("interrupted", "the work was interrupted before its end"));
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
