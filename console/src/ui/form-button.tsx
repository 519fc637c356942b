import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";
import { ErrorPanel } from "./error-panel.tsx";
import { useDialog } from "./use-dialog.ts";

interface Formed {
  /** The button that opens the form; the one that sends it is called the same, or `submit`. */
  readonly label: string;
  readonly submit?: string;
  readonly title: string;
  readonly children: ReactNode;
  readonly isComplete: boolean;
  readonly onSubmit: () => Promise<unknown>;
  readonly onOpen?: () => void;
  readonly isSmall?: boolean;
}

/** A form behind a button; stays open where it is refused. */
export function FormButton({ label, submit, title, children, isComplete, onSubmit, onOpen, isSmall = false }: Formed): ReactNode {
  const { words } = useText();
  const { isOpen, isBusy, error, open, close, send } = useDialog(onSubmit);
  return (
    <>
      <Button
        {...(isSmall ? { size: "compact-sm", variant: "default" } : {})}
        onClick={() => {
          onOpen?.();
          open();
        }}
      >
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title} closeButtonProps={{ "aria-label": words.close }}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <Stack gap="md">
            {children}
            <ErrorPanel error={error} />
            <Group justify="flex-end" gap="sm">
              <Button variant="default" onClick={close}>
                {words.cancel}
              </Button>
              <Button type="submit" loading={isBusy} disabled={!isComplete}>
                {submit ?? label}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  );
}
