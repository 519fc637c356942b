import { Button, type ButtonProps } from "@mantine/core";
import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ReactNode, Ref } from "react";

interface Linked extends Omit<ButtonProps, "component">, Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps> {
  readonly ref?: Ref<HTMLAnchorElement>;
}

/** A link that looks like a button. */
export const LinkButton = createLink((props: Linked): ReactNode => <Button component="a" {...props} />);
