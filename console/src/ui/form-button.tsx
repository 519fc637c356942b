import { Button, Group, Modal, Stack } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { useText } from "../text/text-context.tsx";
import { ErrorPanel } from "./error-panel.tsx";

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
  const [isOpen, { open, close }] = useDisclosure(false);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onSubmit();
      close();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button
        {...(isSmall ? { size: "compact-sm", variant: "default" } : {})}
        onClick={() => {
          onOpen?.();
          setError(undefined);
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
