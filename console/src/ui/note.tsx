import type { ReactNode } from "react";
import type { ToneName } from "./tone.tsx";

interface Noted {
  readonly tone: ToneName;
  readonly icon?: ReactNode;
  readonly children: ReactNode;
}

/** One thing that whoever reads should know, in a line or two. */
export function Note({ tone, icon, children }: Noted): ReactNode {
  return (
    <div className="note" role="status" style={{ "--tone": `var(--tone-${tone})`, "--tone-ground": `var(--tone-${tone}-ground)` } as React.CSSProperties}>
      {icon}
      <div style={{ minWidth: 0 }}>{children}</div>
    </div>
  );
}
