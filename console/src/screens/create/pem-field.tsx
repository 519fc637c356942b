import { Button, Checkbox, FileButton, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../../text/text-context.tsx";

const SYSTEM = "system";

interface Pem {
  readonly label: string;
  /** The file's content, or `system`. */
  readonly value: string;
  /** An earlier task has it. */
  readonly isStored: boolean;
  readonly onChange: (value: string) => void;
  readonly offersSystem?: boolean;
}

/** A certificate or key: its content is read here, as the server is told no file names. */
export function PemField({ label, value, isStored, onChange, offersSystem = false }: Pem): ReactNode {
  const { create, words } = useText();
  const text = create.servers;
  const read = (file: File | null): void => {
    if (file !== null) void file.text().then(onChange);
  };
  return (
    <div role="group" aria-label={label}>
      <Group gap="sm" justify="space-between">
        <Text size="sm">{label}</Text>
        <Group gap="xs">
          <Text size="xs" c="dimmed">
            {value !== "" && value !== SYSTEM ? text.fileGiven : value === "" && isStored ? text.fileKept : ""}
          </Text>
          <FileButton onChange={read} accept=".pem,.crt,.cer,.key,text/plain">
            {(props) => (
              <Button {...props} variant="default" size="compact-sm" disabled={value === SYSTEM} aria-label={`${text.chooseFile}: ${label}`}>
                {text.chooseFile}
              </Button>
            )}
          </FileButton>
          {value !== "" && value !== SYSTEM && (
            <Button variant="subtle" color="gray" size="compact-sm" onClick={() => onChange("")} aria-label={`${words.remove}: ${label}`}>
              {words.remove}
            </Button>
          )}
        </Group>
      </Group>
      {offersSystem && <Checkbox size="xs" mt={4} label={text.systemRoots} checked={value === SYSTEM} onChange={(event) => onChange(event.currentTarget.checked ? SYSTEM : "")} />}
    </div>
  );
}
