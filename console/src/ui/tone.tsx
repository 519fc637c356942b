import type { ReactNode } from "react";

/** The few meanings that a colour has. Each pair in styles/ground.css passes WCAG AA in both themes. */
export type ToneName = "neutral" | "info" | "good" | "warn" | "bad" | "ready";

interface Toned {
  readonly tone: ToneName;
  readonly children: ReactNode;
  /** Something is going on: the dot breathes. */
  readonly moves?: boolean;
  /** Without a dot: a label, not a state. */
  readonly plain?: boolean;
}

export function Tone({ tone, children, moves = false, plain = false }: Toned): ReactNode {
  const style = { "--tone": `var(--tone-${tone})`, "--tone-ground": `var(--tone-${tone}-ground)` };
  return (
    <span className="tone" style={style as React.CSSProperties} data-moves={moves || undefined} data-plain={plain || undefined}>
      {children}
    </span>
  );
}
