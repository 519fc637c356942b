import { Button, Group, NumberInput, Radio, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Facts } from "../../ui/facts.tsx";
import { Section } from "../../ui/section.tsx";
import { TagsField } from "../../ui/tags-field.tsx";
import type { Draft } from "./draft.ts";
import { databaseOf, shownName } from "./endpoint-draft.ts";
import { StepButtons } from "./step-buttons.tsx";
import type { DraftTask } from "./use-draft-task.ts";

const MEGABYTE = 1_000_000;

interface Step {
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly draftTask: DraftTask;
  readonly onBack: () => void;
}

/** ④ All of it once more, and when. */
export function StartStep({ draft, onChange, draftTask, onBack }: Step): ReactNode {
  const { create, words } = useText();
  const text = create.start;
  const [isLater, setLater] = useState(draft.scheduledAt !== "");
  const start = useMutation({ mutationFn: async () => await draftTask.start(draft) });
  const keep = useMutation({ mutationFn: async () => await draftTask.keep(draft) });
  const isPast = isLater && draft.scheduledAt !== "" && new Date(draft.scheduledAt).getTime() < Date.now();
  return (
    <>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Section title={text.summary}>
          <Summary draft={draft} />
        </Section>
        <Section title={create.steps.start}>
          <Stack gap="md">
            <TextInput label={words.name} description={text.nameHint} value={draft.name} onChange={(event) => onChange({ name: event.currentTarget.value })} maxLength={200} />
            <TagsField value={draft.tags} onChange={(tags) => onChange({ tags })} />
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
              <NumberInput
                label={text.concurrency}
                description={text.concurrencyHint}
                value={draft.concurrency ?? ""}
                onChange={(value) => onChange({ concurrency: typeof value === "number" ? value : undefined })}
                min={1}
                max={128}
                allowDecimal={false}
              />
              <NumberInput
                label={text.rateLimit}
                description={text.rateLimitHint}
                value={draft.rateLimit === undefined ? "" : draft.rateLimit / MEGABYTE}
                onChange={(value) => onChange({ rateLimit: typeof value === "number" && value > 0 ? Math.round(value * MEGABYTE) : undefined })}
                min={0}
              />
            </SimpleGrid>
            <Radio.Group
              label={text.when}
              value={isLater ? "later" : "now"}
              onChange={(value) => {
                setLater(value === "later");
                if (value === "now") onChange({ scheduledAt: "" });
              }}
            >
              <Group gap="lg" mt={6}>
                <Radio value="now" label={text.now} size="sm" />
                <Radio value="later" label={text.later} size="sm" />
              </Group>
            </Radio.Group>
            {isLater && (
              <TextInput
                type="datetime-local"
                label={text.at}
                description={text.atHint(Intl.DateTimeFormat().resolvedOptions().timeZone)}
                value={draft.scheduledAt}
                onChange={(event) => onChange({ scheduledAt: event.currentTarget.value })}
                error={isPast ? text.atPast : undefined}
              />
            )}
          </Stack>
        </Section>
      </SimpleGrid>
      <Text size="sm" c="dimmed" mt="md">
        {text.willRun}
      </Text>
      <ErrorPanel error={start.error ?? keep.error} />
      <StepButtons>
        <Button variant="default" onClick={onBack}>
          {words.back}
        </Button>
        <Group gap="sm">
          <Button variant="default" onClick={() => keep.mutate()} loading={keep.isPending}>
            {text.keepDraft}
          </Button>
          <Button onClick={() => start.mutate()} loading={start.isPending} disabled={isLater && (draft.scheduledAt === "" || isPast)}>
            {isLater ? text.schedule : text.startNow}
          </Button>
        </Group>
      </StepButtons>
    </>
  );
}

function Summary({ draft }: { readonly draft: Draft }): ReactNode {
  const { create, words } = useText();
  const format = useFormat();
  const text = create.start;
  const { source, target, type, instance, selection, options } = draft;
  const chosen = (name: string, patterns: typeof selection.include): string =>
    patterns.length === 0 ? "" : `${name}: ${patterns.slice(0, 20).map(({ kind, pattern }) => `${words.kind[kind]} ${pattern}`).join(", ")}${patterns.length > 20 ? " …" : ""}`; // prettier-ignore
  const objects = [
    chosen(create.objects.included(format.count(selection.include.length)), selection.include),
    chosen(create.objects.excluded(format.count(selection.exclude.length)), selection.exclude),
  ];
  const named = objects.filter((line) => line !== "");
  const switches = (["owner", "privileges", "publications", "statistics", "verify"] as const).map(
    (option) => `${create.options[option]}: ${options[option] ? words.yes : words.no}`,
  );
  const follows = type === "full+incremental" ? (["fence", "untilCaughtUp"] as const).map((option) => `${create.options[option]}: ${options[option] ? words.yes : words.no}`) : [];
  const lines = (all: readonly string[]): ReactNode => all.map((line) => <div key={line}>{line}</div>);
  return (
    <Facts
      facts={[
        [text.source, <span className="mono">{shownName(source)}</span>],
        [text.target, <span className="mono">{shownName(target)}</span>],
        [text.type, words.type[type]],
        [text.objects, lines([instance ? create.scope.instance : create.scope.database(databaseOf(source)), ...(named.length === 0 ? [text.all] : named)])],
        [text.options, lines([...switches, ...follows])],
      ]}
    />
  );
}
