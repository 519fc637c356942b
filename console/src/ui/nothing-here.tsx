import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Empty {
  readonly children: ReactNode;
  readonly action?: ReactNode;
}

/** A place where nothing is yet, and the way on. */
export function NothingHere({ children, action }: Empty): ReactNode {
  return (
    <Stack align="center" gap="sm" py="xl" px="md">
      <Text c="dimmed" size="sm" ta="center" maw={520}>
        {children}
      </Text>
      {action}
    </Stack>
  );
}
