import type { ReactNode } from "react";
import type { TaskState } from "../api/tasks.ts";
import { useText } from "../text/text-context.tsx";
import { Tone, type ToneName } from "./tone.tsx";

const TONES: Readonly<Record<TaskState, ToneName>> = {
  draft: "neutral",
  checking: "info",
  checkPassed: "good",
  checkFailed: "bad",
  scheduled: "neutral",
  preparing: "info",
  running: "info",
  readyToComplete: "ready",
  completing: "info",
  succeeded: "good",
  pausing: "warn",
  paused: "warn",
  retrying: "warn",
  failed: "bad",
  terminating: "neutral",
  terminated: "neutral",
};

const MOVING: ReadonlySet<TaskState> = new Set(["checking", "preparing", "running", "completing", "pausing", "terminating"]);

export function StateBadge({ state }: { readonly state: TaskState }): ReactNode {
  const { words } = useText();
  return (
    <Tone tone={TONES[state]} moves={MOVING.has(state)}>
      {words.state[state]}
    </Tone>
  );
}
