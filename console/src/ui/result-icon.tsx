import { IconAlertTriangleFilled, IconCircleCheckFilled, IconCircleDashed, IconCircleXFilled, IconLoader2 } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";

export type Result = "passed" | "alarm" | "failed" | "skipped" | "running";

const LOOKS = {
  passed: [IconCircleCheckFilled, "good"],
  alarm: [IconAlertTriangleFilled, "warn"],
  failed: [IconCircleXFilled, "bad"],
  skipped: [IconCircleDashed, "neutral"],
  running: [IconLoader2, "info"],
} as const;

/** How something went; told by shape and name, not by colour alone. */
export function ResultIcon({ result, size = 18 }: { readonly result: Result; readonly size?: number }): ReactNode {
  const { words } = useText();
  const [Icon, tone] = LOOKS[result];
  return (
    <Icon size={size} role="img" aria-label={words.result[result]} className={result === "running" ? "spins" : undefined} style={{ color: `var(--tone-${tone})`, flexShrink: 0 }} />
  );
}
