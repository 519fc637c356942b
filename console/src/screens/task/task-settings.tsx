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

const MEGABYTE = 1_000_000;

/** What may change while it runs. */
export function TaskSettings({ task }: { readonly task: TaskDetail }): ReactNode {
  const { task: texts, create, words } = useText();
  const text = texts.settings;
  const mayAct = useMay("operator");
  const queryClient = useQueryClient();
  const [name, setName] = useState(task.name);
  const [tags, setTags] = useState(task.tags);
  const [concurrency, setConcurrency] = useState<number | string>(task.concurrency);
  const [rateLimit, setRateLimit] = useState<number | string>(task.rateLimit === null ? "" : task.rateLimit / MEGABYTE);
  const save = useMutation({
    mutationFn: async () =>
      await newestOf(
        task.id,
        async () =>
          await call("changeSettings", {
            params: { id: task.id },
            body: {
              name: name.trim(),
              // What was taken away is said, too.
              tags: { ...Object.fromEntries(Object.keys(task.tags).map((name) => [name, null])), ...tags },
              ...(typeof concurrency === "number" ? { concurrency } : {}),
              rateLimit: typeof rateLimit === "number" && rateLimit > 0 ? Math.round(rateLimit * MEGABYTE) : null,
            },
          }),
      ),
    onSuccess: (answer) => {
      queryClient.setQueryData(TASK_KEYS.task(task.id), answer);
      setTags(answer.tags);
      notifications.show({ message: words.saved });
    },
  });
  return (
    <Section title={text.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <Stack gap="md" maw={480}>
          <Text size="sm" c="dimmed">
            {mayAct ? text.body : text.readOnly}
          </Text>
          <TextInput label={words.name} value={name} onChange={(event) => setName(event.currentTarget.value)} maxLength={200} required withAsterisk={false} disabled={!mayAct} />
          <TagsField value={tags} onChange={setTags} disabled={!mayAct} />
          <NumberInput
            label={create.start.concurrency}
            value={concurrency}
            onChange={setConcurrency}
            min={1}
            max={128}
            allowDecimal={false}
            required
            withAsterisk={false}
            disabled={!mayAct}
          />
          <NumberInput label={create.start.rateLimit} description={text.noLimit} value={rateLimit} onChange={setRateLimit} min={0} disabled={!mayAct} />
          <ErrorPanel error={save.error} />
          {mayAct && (
            <Group>
              <Button type="submit" loading={save.isPending}>
                {words.save}
              </Button>
            </Group>
          )}
        </Stack>
      </form>
    </Section>
  );
}
