import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { SESSION_KEY, heard, useSession } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { GoTo } from "../../ui/go-to.tsx";
import { Note } from "../../ui/note.tsx";
import { AccessCard } from "./access-card.tsx";

export function LoginScreen(): ReactNode {
  const { access } = useText();
  const { account, needsSetup } = useSession();
  const { next } = useSearch({ from: "/login" });
  const queryClient = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const logIn = useMutation({
    mutationFn: async () => heard(await call("logIn", { body: { name, password } })),
    onSuccess: (session) => queryClient.setQueryData(SESSION_KEY, session),
  });
  const address = ownAddress(next);
  if (account !== null) return <GoTo key={address} address={address} />;
  return (
    <AccessCard title={access.loginTitle}>
      {needsSetup && <Note tone="warn">{access.needsSetup}</Note>}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          logIn.mutate();
        }}
      >
        <Stack gap="md">
          <TextInput label={access.name} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="username" required withAsterisk={false} autoFocus />
          <PasswordInput
            label={access.password}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            required
            withAsterisk={false}
          />
          <ErrorPanel error={logIn.error} />
          <Button type="submit" fullWidth loading={logIn.isPending}>
            {access.logIn}
          </Button>
        </Stack>
      </form>
    </AccessCard>
  );
}

/** Only an address of this console, and not this page again: `next` is written by whoever made the link. */
function ownAddress(next: string | undefined): string {
  const address = next === undefined ? null : URL.parse(next, location.origin);
  return address === null || address.origin !== location.origin || /^\/+login\/*$/i.test(address.pathname) ? "/tasks" : address.pathname + address.search;
}
