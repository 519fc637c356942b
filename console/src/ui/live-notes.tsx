import { Alert, Text } from "@mantine/core";
import { IconCloudOff, IconMoonStars } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Connection } from "../live/event-source.ts";
import { useText } from "../text/text-context.tsx";

interface Known {
  readonly connection: Connection;
  /** undefined: not known yet. */
  readonly workers: number | undefined;
}

/** What somebody who watches should know about what they see: it may be old, or nobody works. */
export function LiveNotes({ connection, workers }: Known): ReactNode {
  const { shell } = useText();
  return (
    <div aria-live="polite">
      {connection === "reconnecting" && (
        <Alert color="gray" variant="outline" p="xs" mb="sm" icon={<IconCloudOff size={16} />}>
          <Text size="sm">{shell.reconnecting}</Text>
        </Alert>
      )}
      {workers === 0 && (
        <Alert color="yellow" variant="outline" p="xs" mb="sm" icon={<IconMoonStars size={16} />}>
          <Text size="sm">
            {shell.noWorkers} {shell.noWorkersAdvice}
          </Text>
        </Alert>
      )}
    </div>
  );
}
