/** What a test has armed in this process. */
interface Armed {
  readonly mutation?: string | undefined;
  readonly failpoint?: string | undefined;
}

/**
 * What a script that a test has loaded before all else (`test/kit/arm.ts`) has left in this process. Nothing of Godwit sets it: no environment variable, no option, no file. So a process that no test
 * has started has neither defects nor points at which it dies.
 */
export const armed: Armed = (globalThis as { [ARMED]?: Armed })[Symbol.for("godwit: armed by a test") as typeof ARMED] ?? {};

declare const ARMED: unique symbol;
