import { Button, Group, Table, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Webhook } from "../../../../src/server/contract/alerts.ts";
import { call } from "../../api/client.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { errorLine } from "../../ui/error-panel.tsx";
import { Listing } from "../../ui/listing.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { Tone } from "../../ui/tone.tsx";
import { WEBHOOKS_KEY, WebhookForm } from "./webhook-form.tsx";

/** Who is told of trouble. */
export function AlertsTab(): ReactNode {
  const { settings } = useText();
  const text = settings.alerts;
  const { data, error } = useQuery({ queryKey: WEBHOOKS_KEY, queryFn: async ({ signal }) => await call("listWebhooks", { signal }) });
  return (
    <Listing
      label={settings.tabs.alerts}
      intro={text.body}
      action={<WebhookForm webhook={undefined} />}
      columns={Object.values(text.columns)}
      rows={data?.webhooks}
      error={error}
      none={text.none}
    >
      {(webhook) => <WebhookRow key={webhook.id} webhook={webhook} />}
    </Listing>
  );
}

function WebhookRow({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const texts = useText();
  const text = texts.settings.alerts;
  const format = useFormat();
  const queryClient = useQueryClient();
  const { id, name, host, isEnabled, onFailed, onRetrying, lagSeconds, retainedBytes, lastAt, lastOutcome } = webhook;
  const again = async (): Promise<void> => await queryClient.invalidateQueries({ queryKey: WEBHOOKS_KEY });
  const test = useMutation({
    mutationFn: async () => await call("testWebhook", { params: { id } }),
    onSuccess: ({ isDelivered, detail }) =>
      notifications.show({
        color: isDelivered ? "tide" : "red",
        message: isDelivered ? text.delivered(detail) : text.notDelivered(detail),
        autoClose: isDelivered ? 5_000 : 15_000,
      }),
    onError: (error) => notifications.show({ color: "red", message: errorLine(error, texts) }),
    onSettled: again,
  });
  const remove = async (): Promise<void> => {
    await call("deleteWebhook", { params: { id } });
    await again();
  };
  const when = [
    onFailed ? text.when.failed : "",
    onRetrying ? text.when.retrying : "",
    lagSeconds === null ? "" : text.when.lag(format.duration(lagSeconds)),
    retainedBytes === null ? "" : text.when.retained(format.bytes(retainedBytes)),
  ].filter((one) => one !== "");
  return (
    <Table.Tr>
      <Table.Td className="break">{name}</Table.Td>
      <Table.Td className="break">{host}</Table.Td>
      <Table.Td className="small">{when.join(", ")}</Table.Td>
      <Table.Td className="small break">
        {lastAt === null ? texts.words.never : <MomentText at={lastAt} />} {lastOutcome}
      </Table.Td>
      <Table.Td>
        <Tone tone={isEnabled ? "good" : "neutral"}>{isEnabled ? text.enabled : text.disabled}</Tone>
      </Table.Td>
      <Table.Td>
        <Group gap={6} justify="flex-end" wrap="nowrap">
          <Button size="compact-sm" variant="default" onClick={() => test.mutate()} loading={test.isPending}>
            {text.test}
          </Button>
          <WebhookForm webhook={webhook} />
          <ConfirmButton label={text.remove} title={text.removeTitle(name)} size="compact-sm" variant="default" isDangerous onConfirm={remove}>
            <Text size="sm">{text.removeBody}</Text>
          </ConfirmButton>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
