import { Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { SESSION_KEY, useSession } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Section } from "../../ui/section.tsx";
import { NO_PASSWORD, NewPasswordFields, isGood } from "../access/new-password-fields.tsx";

/** One's own password. */
export function PasswordTab(): ReactNode {
  const { settings } = useText();
  const text = settings.password;
  const { account } = useSession();
  const queryClient = useQueryClient();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState(NO_PASSWORD);
  const change = useMutation({
    mutationFn: async () => await call("changePassword", { body: { current, password: fresh.first } }),
    onSuccess: () => {
      setCurrent("");
      setFresh(NO_PASSWORD);
      notifications.show({ message: text.changed });
      // The session may be a new one, with another token.
      void queryClient.invalidateQueries({ queryKey: SESSION_KEY });
    },
  });
  return (
    <Section title={settings.tabs.password}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change.mutate();
        }}
      >
        <Stack gap="md" maw={400}>
          <Text size="sm" c="dimmed">
            {account?.name}. {text.body}
          </Text>
          <PasswordInput
            label={text.current}
            value={current}
            onChange={(event) => setCurrent(event.currentTarget.value)}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <NewPasswordFields value={fresh} onChange={setFresh} label={text.fresh} />
          <ErrorPanel error={change.error} />
          <Group>
            <Button type="submit" loading={change.isPending} disabled={!isGood(fresh)}>
              {text.change}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
