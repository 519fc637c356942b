import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";

/** A dialog that sends something: open until it is done, and with its error where it is refused. */
export interface Dialog {
  readonly isOpen: boolean;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly open: () => void;
  readonly close: () => void;
  readonly send: () => Promise<void>;
}

export function useDialog(work: () => Promise<unknown>): Dialog {
  const [isOpen, { open, close }] = useDisclosure(false);
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  return {
    isOpen,
    isBusy,
    error,
    open: () => {
      setError(undefined);
      open();
    },
    close,
    send: async () => {
      setBusy(true);
      setError(undefined);
      try {
        await work();
        close();
      } catch (caught) {
        setError(caught);
      } finally {
        setBusy(false);
      }
    },
  };
}
