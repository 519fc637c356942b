import { Skeleton, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";

/** Takes the room of what is being asked for, so that nothing jumps when it comes. */
export function Waiting({ rows = 4, height = 36 }: { readonly rows?: number; readonly height?: number }): ReactNode {
  const { words } = useText();
  return (
    <Stack gap="xs" p="md" aria-busy="true" aria-label={words.loading}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} />
      ))}
    </Stack>
  );
}
