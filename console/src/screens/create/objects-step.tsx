import { Button, SimpleGrid, Stack } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { MigrationType } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Section } from "../../ui/section.tsx";
import { ChoiceCards } from "./choice-cards.tsx";
import { CorrelatedObjects } from "./correlated-objects.tsx";
import type { Draft } from "./draft.ts";
import { databaseOf, givenEndpoint } from "./endpoint-draft.ts";
import { MoreOptions } from "./more-options.tsx";
import { ObjectTree } from "./object-tree.tsx";
import { NO_SELECTION } from "./selection.ts";
import { SelectionList } from "./selection-list.tsx";
import { StepButtons } from "./step-buttons.tsx";
import type { DraftTask } from "./use-draft-task.ts";

const TYPES: readonly MigrationType[] = ["structure", "full", "full+incremental"];

interface Step {
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly secretsOf: string | undefined;
  readonly draftTask: DraftTask;
  readonly onBack: () => void;
  readonly onNext: () => void;
}

/** ② What moves. */
export function ObjectsStep({ draft, onChange, secretsOf, draftTask, onBack, onNext }: Step): ReactNode {
  const { create, words } = useText();
  const { source, type, instance, selection, options } = draft;
  const goOn = useMutation({ mutationFn: async () => await draftTask.check(draft), onSuccess: onNext });
  const endpoint = givenEndpoint(source);
  const database = databaseOf(source);
  return (
    <Stack gap="md">
      <ChoiceCards
        label={create.type.label}
        value={type}
        onChange={(next) => onChange({ type: next })}
        choices={TYPES.map((value) => ({ value, title: words.type[value], note: create.type[value] }))}
      />
      <ChoiceCards
        label={create.scope.label}
        value={instance ? "instance" : "database"}
        // Patterns of the one mean something else in the other.
        onChange={(next) => onChange({ instance: next === "instance", selection: NO_SELECTION })}
        choices={[
          { value: "database", title: create.scope.database(database), note: create.scope.databaseNote },
          { value: "instance", title: create.scope.instance, note: create.scope.instanceNote },
        ]}
      />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        <Section title={create.objects.title} flush>
          <ObjectTree
            key={String(instance)}
            endpoint={endpoint}
            secretsOf={secretsOf}
            database={instance ? undefined : database}
            selection={selection}
            onSelect={(next) => onChange({ selection: next })}
          />
        </Section>
        <Stack gap="md">
          <SelectionList selection={selection} onSelect={(next) => onChange({ selection: next })} />
          {!instance && selection.include.length > 0 && (
            <CorrelatedObjects endpoint={endpoint} secretsOf={secretsOf} selection={selection} onSelect={(next) => onChange({ selection: next })} />
          )}
        </Stack>
      </SimpleGrid>
      <MoreOptions options={options} type={type} onChange={(changed) => onChange({ options: { ...options, ...changed } })} />
      <ErrorPanel error={goOn.error} />
      <StepButtons>
        <Button variant="default" onClick={onBack}>
          {words.back}
        </Button>
        <Button onClick={() => goOn.mutate()} loading={goOn.isPending}>
          {words.next}
        </Button>
      </StepButtons>
    </Stack>
  );
}
