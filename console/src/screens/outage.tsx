import { IconCloudOff } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useSyncExternalStore } from "react";
import { isPassing } from "../api/api-failure.ts";
import { useText } from "../text/text-context.tsx";
import { errorLine } from "../ui/error-panel.tsx";
import { Note } from "../ui/note.tsx";

/** Why something is asked for again and again, on whatever page it is. One failure is not worth a word. */
export function Outage(): ReactNode {
  const texts = useText();
  const cache = useQueryClient().getQueryCache();
  const error = useSyncExternalStore(
    useCallback((changed: () => void) => cache.subscribe(changed), [cache]),
    () => cache.getAll().find(({ state }) => state.fetchStatus !== "idle" && state.fetchFailureCount > 1 && isPassing(state.fetchFailureReason))?.state.fetchFailureReason,
  );
  if (error === undefined || error === null) return null;
  return (
    <div className="outage" data-of="queries">
      <Note tone="warn" icon={<IconCloudOff size={16} aria-hidden />}>
        {errorLine(error, texts)}
      </Note>
    </div>
  );
}
