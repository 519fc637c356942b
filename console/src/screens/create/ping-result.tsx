import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { PingAnswer } from "../../../../src/server/contract/servers.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";
import type { EndpointDraft } from "./endpoint-draft.ts";

/** A test of a connection, and of what. */
export interface Tested {
  readonly of?: EndpointDraft;
  readonly isRunning?: boolean;
  readonly answer?: PingAnswer;
  readonly error?: unknown;
}

/** Step by step, with the time of each, up to the first that fails. */
export function PingResult({ tested, isStale }: { readonly tested: Tested; readonly isStale: boolean }): ReactNode {
  const { create } = useText();
  const format = useFormat();
  const text = create.servers;
  const { isRunning, answer, error } = tested;
  return (
    <div aria-live="polite">
      {isRunning === true && (
        <Text size="sm" c="dimmed">
          {text.testing}
        </Text>
      )}
      <ErrorPanel error={error} />
      {answer !== undefined && (
        <Stack gap={6} style={isStale ? { opacity: 0.7 } : {}}>
          <Text size="sm" fw={500} style={{ color: answer.isReachable ? "var(--tone-good)" : "var(--tone-bad)" }}>
            {answer.isReachable ? text.reachable : text.unreachable} {isStale && text.stale}
          </Text>
          {answer.steps.map(({ step, result, milliseconds, detail, code, advice }) => (
            <div key={step} className="ping-step">
              <ResultIcon result={result} size={16} />
              <span className="small">{text.ping[step]}</span>
              <div className="small break">
                <span className="dim">{detail}</span>
                {advice !== undefined && <div>{advice}</div>}
                {code !== undefined && <div className="mono dim">{code}</div>}
              </div>
              <span className="small dim">{result === "skipped" ? "" : text.milliseconds(format.count(Math.round(milliseconds)))}</span>
            </div>
          ))}
        </Stack>
      )}
    </div>
  );
}
