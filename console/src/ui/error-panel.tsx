import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { ApiError } from "../../../src/server/contract/error.ts";
import { ApiFailure } from "../api/api-failure.ts";
import type { Text as Words } from "../text/text.ts";
import { useText } from "../text/text-context.tsx";

interface Told {
  readonly code?: string;
  readonly message: string;
  readonly object?: string | undefined;
  readonly advice: string;
}

interface Failed {
  /** What was thrown, or what an answer tells; nothing is shown for null and undefined. */
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly title?: string;
}

/** An error as Godwit tells all of them: what happened, to what, and the way on. */
export function ErrorPanel({ error, onRetry, title }: Failed): ReactNode {
  const { shell, words } = useText();
  if (error === null || error === undefined) return null;
  const { code, message, object, advice } = told(error, shell);
  return (
    <Alert
      role="alert"
      color="red"
      variant="outline"
      icon={<IconAlertTriangle size={18} />}
      title={title}
      styles={{ root: { background: "var(--card)" }, title: { color: "var(--tone-bad)" } }}
    >
      <Stack gap={4}>
        <Text size="sm" fw={500} className="break">
          {message}
        </Text>
        {object !== undefined && <span className="mono break">{object}</span>}
        <Text size="sm" className="break">
          {advice}
        </Text>
        <Group gap="sm" mt={2}>
          {onRetry !== undefined && (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {words.tryAgain}
            </Button>
          )}
          {code !== undefined && (
            <Text size="xs" c="dimmed" className="mono">
              {code}
            </Text>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

/** The same in one line, for notifications and small places. */
export function errorLine(error: unknown, { shell }: Words): string {
  const { message, advice } = told(error, shell);
  return `${message} ${advice}`;
}

function told(error: unknown, shell: Words["shell"]): Told {
  if (error instanceof ApiFailure) {
    if (error.described !== undefined) return inConsole(error.described, shell);
    if (error.status === 0) return { message: shell.unreachable, advice: shell.unreachableAdvice };
    return { message: shell.unknownAnswer(String(error.status)), advice: shell.unknownAdvice };
  }
  if (isApiError(error)) return inConsole(error, shell);
  return { message: shell.consoleError, object: error instanceof Error ? error.message : String(error), advice: shell.consoleAdvice };
}

/** What is done about checks is done here with a click: the advice that comes along is that for the command line. */
function inConsole(error: ApiError, { checksAdvice }: Words["shell"]): Told {
  return error.code === "precheck-failed" || error.code === "precheck-alarm" ? { ...error, advice: checksAdvice } : error;
}

function isApiError(error: unknown): error is ApiError {
  return typeof error === "object" && error !== null && "code" in error && "advice" in error;
}
