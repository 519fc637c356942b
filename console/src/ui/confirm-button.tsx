import { Button, type ButtonProps, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../text/text-context.tsx";
import { ErrorPanel } from "./error-panel.tsx";
import { useDialog } from "./use-dialog.ts";

interface Confirmed extends Pick<ButtonProps, "variant" | "size" | "color" | "disabled" | "leftSection"> {
  /** What the button does; the one that confirms it is called the same. */
  readonly label: string;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  readonly isDangerous?: boolean;
  readonly onConfirm: () => Promise<unknown>;
}

/** Asks before it does something, and stays open where that is refused. */
export function ConfirmButton({ label, title, children, isDangerous = false, onConfirm, ...look }: Confirmed): ReactNode {
  const { words } = useText();
  const { isOpen, isBusy, error, open, close, send } = useDialog(onConfirm);
  return (
    <>
      <Button {...look} onClick={open}>
        {label}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title} closeButtonProps={{ "aria-label": words.close }}>
        <Stack gap="md">
          {children}
          <ErrorPanel error={error} />
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={close}>
              {words.cancel}
            </Button>
            <Button color={isDangerous ? "red.8" : "tide"} loading={isBusy} onClick={() => void send()} data-autofocus>
              {label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
