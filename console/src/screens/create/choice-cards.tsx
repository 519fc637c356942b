import { Radio, SimpleGrid, Text } from "@mantine/core";
import type { ReactNode } from "react";

interface Choices<Value extends string> {
  readonly label: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly choices: readonly { readonly value: Value; readonly title: string; readonly note: string }[];
}

/** One of few, each with what it means. */
export function ChoiceCards<Value extends string>({ label, value, onChange, choices }: Choices<Value>): ReactNode {
  return (
    <Radio.Group label={label} value={value} onChange={onChange} styles={{ label: { fontWeight: 600, marginBottom: 6 } }}>
      <SimpleGrid cols={{ base: 1, sm: choices.length }} spacing="sm">
        {choices.map((choice) => (
          <Radio.Card key={choice.value} value={choice.value} className="choice" aria-label={choice.title}>
            <Radio.Indicator size="xs" />
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={500} className="break">
                {choice.title}
              </Text>
              <Text size="xs" c="dimmed">
                {choice.note}
              </Text>
            </div>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  );
}
