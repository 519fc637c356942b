import { Button, Collapse, Group, NativeSelect, PasswordInput, SegmentedControl, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconPlugConnected } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useText } from "../../text/text-context.tsx";
import { Section } from "../../ui/section.tsx";
import { type EndpointDraft, SSL_MODES, type SslMode, isNamed, isUri, readUri } from "./endpoint-draft.ts";
import { PemField } from "./pem-field.tsx";
import { PingResult, type Tested } from "./ping-result.tsx";

interface Carded {
  readonly side: "source" | "target";
  readonly draft: EndpointDraft;
  /** Somebody wanted to go on: what is missing is said. */
  readonly wantsName: boolean;
  readonly tested: Tested;
  readonly onChange: (changed: Partial<EndpointDraft>) => void;
  readonly onTest: () => void;
}

export function EndpointCard({ side, draft, wantsName, tested, onChange, onTest }: Carded): ReactNode {
  const { create, words } = useText();
  const text = create.servers;
  const setMode = (mode: string): void => onChange(mode === "uri" ? { mode: "uri" } : { mode: "fields", ...readUri(draft.uri) });
  return (
    <Section
      title={words.side[side]}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={text.mode(words.side[side])}
          value={draft.mode}
          onChange={setMode}
          data={[
            { value: "fields", label: text.fields },
            { value: "uri", label: text.uri },
          ]}
        />
      }
    >
      <fieldset className="bare" aria-label={words.side[side]}>
        <Stack gap="sm">
          <Text size="xs" c="dimmed">
            {side === "source" ? text.bodySource : text.bodyTarget}
          </Text>
          {draft.mode === "uri" ? (
            // Not shown as it is typed: it holds the password.
            <PasswordInput
              label={text.uriLabel}
              description={text.uriHint}
              value={draft.uri}
              onChange={(event) => onChange({ uri: event.currentTarget.value })}
              error={(wantsName || draft.uri !== "") && !isUri(draft.uri) ? text.wrongUri : undefined}
              autoComplete="off"
            />
          ) : (
            <Fields draft={draft} wantsName={wantsName} onChange={onChange} />
          )}
          <Group gap="sm">
            <Button variant="default" leftSection={<IconPlugConnected size={16} />} onClick={onTest} loading={tested.isRunning === true} disabled={!isNamed(draft)}>
              {text.test}
            </Button>
          </Group>
          <PingResult tested={tested} isStale={tested.of !== draft} />
        </Stack>
      </fieldset>
    </Section>
  );
}

function Fields({ draft, wantsName, onChange }: Pick<Carded, "draft" | "wantsName" | "onChange">): ReactNode {
  const { create } = useText();
  const text = create.servers;
  const { stored } = draft;
  const [isOpen, { toggle }] = useDisclosure(draft.sslmode !== "prefer" || stored.hasRootCertificate || stored.hasCertificate);
  const set = (name: "host" | "port" | "user" | "dbname" | "password") => (event: React.ChangeEvent<HTMLInputElement>) => {
    const { value } = event.currentTarget;
    // A URI pasted where the host goes is taken apart.
    onChange(name === "host" && isUri(value) ? readUri(value) : { [name]: value });
  };
  const field = { autoComplete: "off", spellCheck: false } as const;
  return (
    <>
      <Group gap="sm" wrap="nowrap" align="flex-start">
        <TextInput {...field} label={text.host} value={draft.host} onChange={set("host")} flex={1} error={wantsName && draft.host.trim() === "" ? text.needsHost : undefined} />
        <TextInput {...field} label={text.port} value={draft.port} onChange={set("port")} w={88} inputMode="numeric" pattern="[0-9]{1,5}" />
      </Group>
      <TextInput {...field} label={text.database} value={draft.dbname} onChange={set("dbname")} />
      <Group gap="sm" grow align="flex-start">
        <TextInput {...field} label={text.user} value={draft.user} onChange={set("user")} />
        <PasswordInput
          label={text.password}
          value={draft.password}
          onChange={set("password")}
          placeholder={stored.hasPassword ? "••••••••" : undefined}
          title={stored.hasPassword ? text.passwordKept : undefined}
          autoComplete="new-password"
        />
      </Group>
      <UnstyledButton onClick={toggle} aria-expanded={isOpen} className="opener">
        <IconChevronDown size={14} style={{ transform: isOpen ? undefined : "rotate(-90deg)" }} aria-hidden /> {text.tls}: {draft.sslmode}
      </UnstyledButton>
      <Collapse expanded={isOpen}>
        <Stack gap="sm">
          <NativeSelect
            label={text.sslmode}
            value={draft.sslmode}
            onChange={(event) => onChange({ sslmode: event.currentTarget.value as SslMode })}
            data={SSL_MODES.map((value) => ({ value, label: text.sslmodes[value] }))}
          />
          {draft.sslmode !== "disable" && (
            <>
              <PemField
                label={text.sslrootcert}
                value={draft.sslrootcert}
                isStored={stored.hasRootCertificate}
                onChange={(sslrootcert) => onChange({ sslrootcert })}
                offersSystem
              />
              <PemField label={text.sslcert} value={draft.sslcert} isStored={stored.hasCertificate} onChange={(sslcert) => onChange({ sslcert })} />
              <PemField label={text.sslkey} value={draft.sslkey} isStored={stored.hasKey} onChange={(sslkey) => onChange({ sslkey })} />
            </>
          )}
        </Stack>
      </Collapse>
    </>
  );
}
