import { Group } from "@mantine/core";
import type { ReactNode } from "react";

/** The way back and the way on, below each step. */
export function StepButtons({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <Group justify="space-between" mt="lg" gap="sm" className="step-buttons">
      {children}
    </Group>
  );
}
