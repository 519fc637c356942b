import { Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ViewMenu } from "../view-menu.tsx";

/** The frame of the pages before the login. */
export function AccessCard({ title, body, children }: { readonly title: string; readonly body?: string; readonly children: ReactNode }): ReactNode {
  return (
    <main className="access">
      <Group justify="flex-end" gap={4} w="100%" p="xs">
        <ViewMenu />
      </Group>
      <Stack className="card" gap="md" p="xl" w="100%" maw={400} mt="6vh">
        <Group gap="sm">
          <img src="/godwit.svg" alt="" width={32} height={32} />
          <Title order={1}>{title}</Title>
        </Group>
        {body !== undefined && (
          <Text size="sm" c="dimmed">
            {body}
          </Text>
        )}
        {children}
      </Stack>
    </main>
  );
}
