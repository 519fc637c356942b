import { Button, Group, Table, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Account } from "../../../../src/server/contract/access.ts";
import { call } from "../../api/client.ts";
import { type Role, useSession } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { errorLine } from "../../ui/error-panel.tsx";
import { FormButton } from "../../ui/form-button.tsx";
import { Listing } from "../../ui/listing.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { Tone } from "../../ui/tone.tsx";
import { NO_PASSWORD, NewPasswordFields, isGood } from "../access/new-password-fields.tsx";
import { RoleSelect } from "./role-select.tsx";

const KEY = ["accounts"];

/** Who may log in, and what they may do. */
export function AccountsTab(): ReactNode {
  const { settings } = useText();
  const text = settings.accounts;
  const { data, error } = useQuery({ queryKey: KEY, queryFn: async ({ signal }) => await call("listAccounts", { signal }) });
  return (
    <Listing label={settings.tabs.accounts} intro={text.body} action={<AddAccount />} columns={Object.values(text.columns)} rows={data?.accounts} error={error} none="">
      {(account) => <AccountRow key={account.name} account={account} />}
    </Listing>
  );
}

function AddAccount(): ReactNode {
  const { settings, access } = useText();
  const queryClient = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [password, setPassword] = useState(NO_PASSWORD);
  const add = async (): Promise<void> => {
    await call("createAccount", { body: { name, role, password: password.first } });
    await queryClient.invalidateQueries({ queryKey: KEY });
  };
  const clear = (): void => {
    setName("");
    setPassword(NO_PASSWORD);
  };
  return (
    <FormButton label={settings.accounts.add} title={settings.accounts.add} isComplete={name !== "" && isGood(password)} onSubmit={add} onOpen={clear}>
      <TextInput label={access.name} value={name} onChange={(event) => setName(event.currentTarget.value)} autoComplete="off" data-autofocus />
      <RoleSelect label={settings.accounts.role} value={role} onChange={setRole} />
      <NewPasswordFields value={password} onChange={setPassword} />
    </FormButton>
  );
}

function AccountRow({ account: { name, role, isDisabled, createdAt, lastLoginAt } }: { readonly account: Account }): ReactNode {
  const texts = useText();
  const text = texts.settings.accounts;
  const { account: own } = useSession();
  const isOwn = own?.name === name;
  const queryClient = useQueryClient();
  const again = async (): Promise<void> => await queryClient.invalidateQueries({ queryKey: KEY });
  const change = useMutation({
    mutationFn: async (body: { role?: Role; isDisabled?: boolean }) => await call("changeAccount", { params: { name }, body }),
    onError: (error) => notifications.show({ color: "red", message: errorLine(error, texts) }),
    onSettled: again,
  });
  const remove = async (): Promise<void> => {
    await call("deleteAccount", { params: { name } });
    await again();
  };
  return (
    <Table.Tr>
      <Table.Td className="break">
        {name} {isOwn && <span className="small dim">({text.you})</span>}
      </Table.Td>
      <Table.Td w={150}>
        <RoleSelect label={text.roleOf(name)} isLabelHidden value={role} onChange={(next) => change.mutate({ role: next })} disabled={isOwn || change.isPending} />
      </Table.Td>
      <Table.Td className="small">
        <MomentText at={createdAt} />
      </Table.Td>
      <Table.Td className="small">{lastLoginAt === null ? texts.words.never : <MomentText at={lastLoginAt} />}</Table.Td>
      <Table.Td>
        <Tone tone={isDisabled ? "neutral" : "good"}>{isDisabled ? text.disabled : text.active}</Tone>
      </Table.Td>
      <Table.Td>
        {!isOwn && (
          <Group gap={6} justify="flex-end" wrap="nowrap">
            <SetPassword name={name} />
            {isDisabled ? (
              <Button size="compact-sm" variant="default" onClick={() => change.mutate({ isDisabled: false })}>
                {text.enable}
              </Button>
            ) : (
              <ConfirmButton
                label={text.disable}
                title={text.disableTitle(name)}
                size="compact-sm"
                variant="default"
                isDangerous
                onConfirm={async () => await change.mutateAsync({ isDisabled: true })}
              >
                <Text size="sm">{text.disableBody}</Text>
              </ConfirmButton>
            )}
            <ConfirmButton label={text.remove} title={text.removeTitle(name)} size="compact-sm" variant="default" isDangerous onConfirm={remove}>
              <Text size="sm">{text.removeBody}</Text>
            </ConfirmButton>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function SetPassword({ name }: { readonly name: string }): ReactNode {
  const { settings } = useText();
  const text = settings.accounts;
  const [password, setPassword] = useState(NO_PASSWORD);
  const set = async (): Promise<void> => {
    await call("changeAccount", { params: { name }, body: { password: password.first } });
    notifications.show({ message: text.passwordSet });
  };
  return (
    <FormButton label={text.setPassword} title={text.setPasswordTitle(name)} isComplete={isGood(password)} onSubmit={set} onOpen={() => setPassword(NO_PASSWORD)} isSmall>
      <NewPasswordFields value={password} onChange={setPassword} />
    </FormButton>
  );
}
