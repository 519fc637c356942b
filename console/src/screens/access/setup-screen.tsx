import { Anchor, Button, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, Navigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { SESSION_KEY, heard, useSession } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { AccessCard } from "./access-card.tsx";
import { NO_PASSWORD, NewPasswordFields, isGood } from "./new-password-fields.tsx";

/** The first account, by the one-time link. */
export function SetupScreen(): ReactNode {
  const { access } = useText();
  const { account, needsSetup } = useSession();
  const { token } = useSearch({ from: "/setup" });
  const queryClient = useQueryClient();
  const [name, setName] = useState("admin");
  const [password, setPassword] = useState(NO_PASSWORD);
  const setUp = useMutation({
    mutationFn: async () => heard(await call("setUp", { body: { token: token ?? "", name, password: password.first } })),
    onSuccess: (session) => queryClient.setQueryData(SESSION_KEY, session),
  });
  if (account !== null) return <Navigate to="/tasks" replace />;
  if (!needsSetup || token === undefined) {
    return (
      <AccessCard title={access.setupTitle}>
        <Text size="sm">{needsSetup ? access.setupNoToken : access.setupDone}</Text>
        {!needsSetup && (
          <Anchor component={Link} to="/login" size="sm">
            {access.toLogin}
          </Anchor>
        )}
      </AccessCard>
    );
  }
  return (
    <AccessCard title={access.setupTitle} body={access.setupBody}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setUp.mutate();
        }}
      >
        <Stack gap="md">
          <TextInput
            label={access.name}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoComplete="username"
            pattern="[\p{L}\p{N}._@+\-]+"
            title={access.nameWrong}
            required
            withAsterisk={false}
          />
          <NewPasswordFields value={password} onChange={setPassword} />
          <ErrorPanel error={setUp.error} />
          <Button type="submit" fullWidth loading={setUp.isPending} disabled={!isGood(password)}>
            {access.createAccount}
          </Button>
        </Stack>
      </form>
    </AccessCard>
  );
}
