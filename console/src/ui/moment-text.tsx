import { Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import { useFormat } from "../text/text-context.tsx";

/** A moment, with its second and zone for who points at it. */
export function MomentText({ at }: { readonly at: string | null }): ReactNode {
  const format = useFormat();
  if (at === null) return "–";
  return (
    <Tooltip label={format.exactMoment(at)}>
      <time dateTime={at} style={{ whiteSpace: "nowrap" }}>
        {format.moment(at)}
      </time>
    </Tooltip>
  );
}
