import { Group, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

interface Titled {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** Without inner space: what is inside has its own. */
  readonly flush?: boolean;
}

/** A card with a heading that names it. */
export function Section({ title, actions, children, flush = false }: Titled): ReactNode {
  const id = useId();
  return (
    <section className="card" aria-labelledby={title === undefined ? undefined : id}>
      {(title !== undefined || actions !== undefined) && (
        <Group justify="space-between" px="md" pt="sm" pb={flush ? "sm" : 0} gap="sm" mih={40}>
          <Title order={2} id={id}>
            {title}
          </Title>
          {actions}
        </Group>
      )}
      <div style={{ padding: flush ? 0 : "12px 16px 16px" }}>{children}</div>
    </section>
  );
}
