import { Stack, Text, Title } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useMay } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { LinkButton } from "../../ui/link-button.tsx";

/** What a new installation shows: the way to the first migration. */
export function FirstMigration(): ReactNode {
  const { shell } = useText();
  const mayCreate = useMay("operator");
  return (
    <div className="card">
      <Stack align="flex-start" gap="md" maw={560} mx="auto" py={56} px="lg">
        <img src="/godwit.svg" alt="" width={44} height={44} />
        <Title order={2} fz={22}>
          {shell.list.emptyTitle}
        </Title>
        <Text c="dimmed">{shell.list.empty}</Text>
        <ol className="steps">
          {shell.list.emptySteps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {mayCreate ? (
          <LinkButton to="/tasks/new" size="md" rightSection={<IconArrowRight size={18} />}>
            {shell.list.first}
          </LinkButton>
        ) : (
          <Text size="sm">{shell.list.emptyViewer}</Text>
        )}
      </Stack>
    </div>
  );
}
