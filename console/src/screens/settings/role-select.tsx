import { NativeSelect } from "@mantine/core";
import type { ReactNode } from "react";
import type { Role } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";

interface Selected {
  readonly label: string;
  readonly isLabelHidden?: boolean;
  readonly value: Role;
  readonly onChange: (role: Role) => void;
  readonly disabled?: boolean;
}

export function RoleSelect({ label, isLabelHidden = false, value, onChange, disabled = false }: Selected): ReactNode {
  const { words } = useText();
  return (
    <NativeSelect
      {...(isLabelHidden ? { "aria-label": label, size: "xs" as const } : { label })}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value as Role)}
      data={Object.entries(words.role).map(([role, name]) => ({ value: role, label: name }))}
      disabled={disabled}
    />
  );
}
