import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { verificationQuery } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { CodeBlock } from "../../ui/code-block.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Waiting } from "../../ui/waiting.tsx";

/** Tables that differ, with the keys of the rows. */
export function Differences({ task, verification }: { readonly task: string; readonly verification: string }): ReactNode {
  const { task: texts } = useText();
  const text = texts.verification;
  const { data, error, refetch } = useQuery(verificationQuery(task, verification));
  if (data === undefined) return error === null ? <Waiting rows={2} /> : <ErrorPanel error={error} onRetry={() => void refetch()} />;
  return (
    <Stack gap="sm" mt="sm">
      {data.found.map(({ database, table, reason, keys }) => (
        <div key={`${database} ${table} ${reason}`}>
          <Text size="sm" fw={600} className="break">
            {database}: {table}
          </Text>
          <Text size="sm" c="dimmed" className="break">
            {text.reason}: {reason}
          </Text>
          {keys.length > 0 && (
            <div role="group" aria-label={text.keys}>
              <CodeBlock>{keys.join("\n")}</CodeBlock>
            </div>
          )}
        </div>
      ))}
      {data.found.length === 0 && (
        <Text size="sm" c="dimmed">
          {text.noDetail}
        </Text>
      )}
    </Stack>
  );
}
