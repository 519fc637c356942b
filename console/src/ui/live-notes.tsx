import { Box } from "@mantine/core";
import { IconCloudOff, IconMoonStars } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Connection } from "../live/event-source.ts";
import { useText } from "../text/text-context.tsx";
import { Note } from "./note.tsx";

interface Known {
  readonly connection: Connection;
  /** undefined: not known yet. */
  readonly workers: number | undefined;
}

/** What somebody who watches should know about what they see: it may be old, or nobody works. */
export function LiveNotes({ connection, workers }: Known): ReactNode {
  const { shell } = useText();
  const isLost = connection === "reconnecting";
  return (
    <>
      {isLost && (
        <div className="outage" data-of="events">
          <Note tone="neutral" icon={<IconCloudOff size={16} aria-hidden />}>
            {shell.reconnecting}
          </Note>
        </div>
      )}
      {workers === 0 && (
        <Box mb="sm">
          <Note tone="warn" icon={<IconMoonStars size={16} aria-hidden />}>
            {shell.noWorkers} {shell.noWorkersAdvice}
          </Note>
        </Box>
      )}
    </>
  );
}
