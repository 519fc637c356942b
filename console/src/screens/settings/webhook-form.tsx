import { NumberInput, Switch, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Webhook } from "../../../../src/server/contract/alerts.ts";
import { call } from "../../api/client.ts";
import { useText } from "../../text/text-context.tsx";
import { FormButton } from "../../ui/form-button.tsx";

export const WEBHOOKS_KEY = ["webhooks"];

const MEGABYTE = 1_000_000;

/** Somebody new who is told, or what somebody is told from now on. */
export function WebhookForm({ webhook }: { readonly webhook: Webhook | undefined }): ReactNode {
  const { settings, words } = useText();
  const text = settings.alerts;
  const queryClient = useQueryClient();
  const [form, setForm] = useState(() => formOf(webhook));
  const change = (changed: Partial<typeof form>): void => setForm((now) => ({ ...now, ...changed }));
  const save = async (): Promise<void> => {
    const { url, lagSeconds, retainedMegabytes, ...rest } = form;
    const body = {
      ...rest,
      name: form.name.trim(),
      lagSeconds: typeof lagSeconds === "number" ? lagSeconds : null,
      retainedBytes: typeof retainedMegabytes === "number" ? retainedMegabytes * MEGABYTE : null,
    };
    if (webhook === undefined) await call("createWebhook", { body: { ...body, url: url.trim() } });
    else await call("changeWebhook", { params: { id: webhook.id }, body: { ...body, ...(url.trim() === "" ? {} : { url: url.trim() }) } });
    await queryClient.invalidateQueries({ queryKey: WEBHOOKS_KEY });
  };
  const isNew = webhook === undefined;
  return (
    <FormButton
      label={isNew ? text.add : text.edit}
      submit={isNew ? text.add : words.save}
      title={text.editTitle}
      isComplete={form.name.trim() !== "" && (!isNew || form.url.trim() !== "")}
      onSubmit={save}
      onOpen={() => setForm(formOf(webhook))}
      isSmall={!isNew}
    >
      <TextInput label={words.name} value={form.name} onChange={(event) => change({ name: event.currentTarget.value })} maxLength={100} data-autofocus />
      <TextInput label={text.url} description={isNew ? text.urlHint : text.urlKept} value={form.url} onChange={(event) => change({ url: event.currentTarget.value })} type="url" />
      <Switch label={text.onFailed} checked={form.onFailed} onChange={(event) => change({ onFailed: event.currentTarget.checked })} />
      <Switch label={text.onRetrying} checked={form.onRetrying} onChange={(event) => change({ onRetrying: event.currentTarget.checked })} />
      <NumberInput label={text.lagSeconds} description={text.never} value={form.lagSeconds} onChange={(lagSeconds) => change({ lagSeconds })} min={1} />
      <NumberInput label={text.retainedBytes} description={text.never} value={form.retainedMegabytes} onChange={(retainedMegabytes) => change({ retainedMegabytes })} min={1} />
      <Switch label={text.isEnabled} checked={form.isEnabled} onChange={(event) => change({ isEnabled: event.currentTarget.checked })} />
    </FormButton>
  );
}

interface Form {
  readonly name: string;
  readonly url: string;
  readonly isEnabled: boolean;
  readonly onFailed: boolean;
  readonly onRetrying: boolean;
  readonly lagSeconds: number | string;
  readonly retainedMegabytes: number | string;
}

function formOf(webhook: Webhook | undefined): Form {
  if (webhook === undefined) return { name: "", url: "", isEnabled: true, onFailed: true, onRetrying: true, lagSeconds: 60, retainedMegabytes: "" };
  const { name, isEnabled, onFailed, onRetrying, lagSeconds, retainedBytes } = webhook;
  return { name, url: "", isEnabled, onFailed, onRetrying, lagSeconds: lagSeconds ?? "", retainedMegabytes: retainedBytes === null ? "" : retainedBytes / MEGABYTE };
}
