import { PasswordInput } from "@mantine/core";
import type { ReactNode } from "react";
import { useText } from "../../text/text-context.tsx";

/** A new password, typed twice, as nobody sees it. */
export interface NewPassword {
  readonly first: string;
  readonly again: string;
}

export const NO_PASSWORD: NewPassword = { first: "", again: "" };
const SHORTEST = 10;

export function isGood({ first, again }: NewPassword): boolean {
  return first.length >= SHORTEST && first === again;
}

interface Typed {
  readonly value: NewPassword;
  readonly onChange: (value: NewPassword) => void;
  readonly label?: string;
}

export function NewPasswordFields({ value, onChange, label }: Typed): ReactNode {
  const { access } = useText();
  const { first, again } = value;
  return (
    <>
      <PasswordInput
        label={label ?? access.password}
        description={access.passwordHint}
        value={first}
        error={first !== "" && first.length < SHORTEST ? access.passwordShort : undefined}
        onChange={(event) => onChange({ first: event.currentTarget.value, again })}
        autoComplete="new-password"
        required
        withAsterisk={false}
      />
      <PasswordInput
        label={access.passwordAgain}
        value={again}
        error={again !== "" && again !== first ? access.passwordDiffers : undefined}
        onChange={(event) => onChange({ first, again: event.currentTarget.value })}
        autoComplete="new-password"
        required
        withAsterisk={false}
      />
    </>
  );
}
