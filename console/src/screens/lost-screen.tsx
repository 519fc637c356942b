import { Anchor, Container } from "@mantine/core";
import { useQueryErrorResetBoundary } from "@tanstack/react-query";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";
import { ErrorPanel } from "../ui/error-panel.tsx";
import { NothingHere } from "../ui/nothing-here.tsx";

/** An address that leads nowhere, and why. */
export function LeadsNowhere({ children }: { readonly children: ReactNode }): ReactNode {
  const { shell } = useText();
  return (
    <NothingHere
      action={
        <Anchor component={Link} to="/tasks">
          {shell.toTasks}
        </Anchor>
      }
    >
      {children}
    </NothingHere>
  );
}

export function UnknownScreen(): ReactNode {
  const { shell } = useText();
  return <LeadsNowhere>{shell.notFound}</LeadsNowhere>;
}

/** A page that could not be shown. */
export function FailedScreen({ error, reset }: ErrorComponentProps): ReactNode {
  const asked = useQueryErrorResetBoundary();
  const tryAgain = (): void => {
    asked.reset();
    reset();
  };
  return (
    <Container size="sm" py="xl">
      <ErrorPanel error={error} onRetry={tryAgain} />
    </Container>
  );
}
