import { Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Measured {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}

/** One figure that matters. Takes the same room whether it is known or not. */
export function Figure({ label, value, note }: Measured): ReactNode {
  return (
    <div style={{ minWidth: 0 }}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fz={18} fw={600} lh={1.35} className="cut">
        {value ?? "–"}
      </Text>
      <Text size="xs" c="dimmed" mih={18} className="cut">
        {note}
      </Text>
    </div>
  );
}
