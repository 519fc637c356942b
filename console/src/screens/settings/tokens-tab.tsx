import { Alert, NumberInput, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Token } from "../../../../src/server/contract/access.ts";
import { call } from "../../api/client.ts";
import type { Role } from "../../api/session.ts";
import { useText } from "../../text/text-context.tsx";
import { CodeBlock } from "../../ui/code-block.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FormButton } from "../../ui/form-button.tsx";
import { Listing } from "../../ui/listing.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { RoleSelect } from "./role-select.tsx";

const KEY = ["tokens"];

/** What programs prove themselves with. */
export function TokensTab(): ReactNode {
  const { settings } = useText();
  const text = settings.tokens;
  const { data, error } = useQuery({ queryKey: KEY, queryFn: async ({ signal }) => await call("listTokens", { signal }) });
  // Kept nowhere else: gone when this page is left.
  const [made, setMade] = useState<string>();
  return (
    <Stack gap="md">
      {made !== undefined && (
        <Alert color="tide" variant="outline" title={text.made} role="status">
          <div role="group" aria-label={text.tokenLabel}>
            <CodeBlock>{made}</CodeBlock>
          </div>
        </Alert>
      )}
      <div>
        <Listing
          label={settings.tabs.tokens}
          intro={text.body}
          action={<CreateToken onMade={setMade} />}
          columns={Object.values(text.columns)}
          rows={data?.tokens}
          error={error}
          none={text.none}
        >
          {(token) => <TokenRow key={token.id} token={token} />}
        </Listing>
      </div>
    </Stack>
  );
}

function CreateToken({ onMade }: { readonly onMade: (token: string) => void }): ReactNode {
  const { settings, words } = useText();
  const text = settings.tokens;
  const queryClient = useQueryClient();
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [days, setDays] = useState<number | string>("");
  const create = async (): Promise<void> => {
    const { token } = await call("createToken", { body: { name: name.trim(), role, ...(typeof days === "number" ? { expiresInDays: days } : {}) } });
    onMade(token);
    await queryClient.invalidateQueries({ queryKey: KEY });
  };
  return (
    <FormButton label={text.add} title={text.add} isComplete={name.trim() !== ""} onSubmit={create} onOpen={() => setName("")}>
      <TextInput label={words.name} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={100} data-autofocus />
      <RoleSelect label={text.columns.role} value={role} onChange={setRole} />
      <NumberInput label={text.expiresIn} description={text.expiresHint} value={days} onChange={setDays} min={1} max={3650} allowDecimal={false} />
    </FormButton>
  );
}

function TokenRow({ token: { id, name, role, createdBy, createdAt, usedAt, expiresAt } }: { readonly token: Token }): ReactNode {
  const { settings, words } = useText();
  const text = settings.tokens;
  const queryClient = useQueryClient();
  const revoke = async (): Promise<void> => {
    await call("deleteToken", { params: { id } });
    await queryClient.invalidateQueries({ queryKey: KEY });
  };
  return (
    <Table.Tr>
      <Table.Td className="break">{name}</Table.Td>
      <Table.Td>{words.role[role]}</Table.Td>
      <Table.Td>{createdBy}</Table.Td>
      <Table.Td className="small">
        <MomentText at={createdAt} />
      </Table.Td>
      <Table.Td className="small">{usedAt === null ? words.never : <MomentText at={usedAt} />}</Table.Td>
      <Table.Td className="small">{expiresAt === null ? words.never : <MomentText at={expiresAt} />}</Table.Td>
      <Table.Td ta="right">
        <ConfirmButton label={text.revoke} title={text.revokeTitle(name)} size="compact-sm" variant="default" isDangerous onConfirm={revoke}>
          <Text size="sm">{text.revokeBody}</Text>
        </ConfirmButton>
      </Table.Td>
    </Table.Tr>
  );
}
