import { Button, Group, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { useMay } from "../../api/session.ts";
import { TASK_KEYS, type TaskDetail } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Section } from "../../ui/section.tsx";
import { TagsField } from "../../ui/tags-field.tsx";
import { type ChangedSettings, type SettingsFields, settingsBody, shownSettings, withFields } from "./changed-settings.ts";

/** What may change while it runs. Others may change it meanwhile: only what was changed here is sent, the rest follows the server. */
export function TaskSettings({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts, create, words } = useText();
  const text = texts.settings;
  const mayAct = useMay("operator");
  const queryClient = useQueryClient();
  const [changed, setChanged] = useState<ChangedSettings>({});
  const { name, tags, concurrency, rateLimit } = shownSettings(task, changed);
  const fill = (filled: Partial<SettingsFields>): void => setChanged((now) => withFields(task, now, filled));
  const save = useMutation({
    mutationFn: async (sent: ChangedSettings) => await newestOf(task.id, async () => await call("changeSettings", { params: { id: task.id }, body: settingsBody(sent) })),
    onSuccess: (answer) => {
      queryClient.setQueryData(TASK_KEYS.task(task.id), answer);
      setChanged({});
      notifications.show({ message: words.saved });
    },
  });
  return (
    <Section title={text.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate(changed);
        }}
      >
        <Stack gap="md" maw={480}>
          <Text size="sm" c="dimmed">
            {mayAct ? text.body : text.readOnly}
          </Text>
          <TextInput
            label={words.name}
            value={name}
            onChange={(event) => fill({ name: event.currentTarget.value })}
            maxLength={200}
            required
            withAsterisk={false}
            disabled={!mayAct}
          />
          <TagsField value={tags} onChange={(value) => fill({ tags: value })} disabled={!mayAct} />
          <NumberInput
            label={create.start.concurrency}
            value={concurrency}
            onChange={(value) => fill({ concurrency: value })}
            min={1}
            max={128}
            allowDecimal={false}
            required
            withAsterisk={false}
            disabled={!mayAct}
          />
          <NumberInput label={create.start.rateLimit} description={text.noLimit} value={rateLimit} onChange={(value) => fill({ rateLimit: value })} min={0} disabled={!mayAct} />
          <ErrorPanel error={save.error} />
          {mayAct && (
            <Group>
              <Button type="submit" loading={save.isPending} disabled={Object.keys(changed).length === 0}>
                {words.save}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Section>
  );
}
