import { ActionIcon, Button, Group, NativeSelect, Text, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useFormat, useText } from "../../text/text-context.tsx";
import { Section } from "../../ui/section.tsx";
import { NO_SELECTION, type ObjectKind, type Pattern, type Selection, type Side, withPattern, without } from "./selection.ts";

/** More are counted, not shown: a list of thousands is nothing to read. */
const MOST_SHOWN = 500;

interface Selected {
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** What was chosen in the tree, or by a pattern. */
export function SelectionList({ selection, onSelect }: Selected): ReactNode {
  const { create } = useText();
  const format = useFormat();
  const text = create.objects;
  const { include, exclude } = selection;
  const isEmpty = include.length + exclude.length === 0;
  return (
    <Section
      title={text.selection}
      actions={
        !isEmpty && (
          <Button variant="subtle" color="gray" size="compact-sm" onClick={() => onSelect(NO_SELECTION)}>
            {text.clear}
          </Button>
        )
      }
    >
      <PatternForm selection={selection} onSelect={onSelect} />
      <div style={{ maxHeight: 270, overflow: "auto", marginTop: 12 }} aria-live="polite">
        {include.length === 0 && (
          <Text size="sm" c="dimmed">
            {isEmpty ? text.nothing : text.onlyExcluded}
          </Text>
        )}
        {(["include", "exclude"] as const).map((side) => {
          const patterns = selection[side];
          if (patterns.length === 0) return null;
          const title = side === "include" ? text.included(format.count(patterns.length)) : text.excluded(format.count(patterns.length));
          return (
            <div key={side} role="group" aria-label={title}>
              <Text size="xs" fw={600} c="dimmed" mt={6}>
                {title}
              </Text>
              {patterns.slice(0, MOST_SHOWN).map((pattern) => (
                <PatternRow key={`${pattern.kind} ${pattern.pattern}`} pattern={pattern} onRemove={() => onSelect(without(selection, side, pattern))} />
              ))}
              {patterns.length > MOST_SHOWN && (
                <Text size="xs" c="dimmed">
                  {text.more500(format.count(patterns.length - MOST_SHOWN))}
                </Text>
              )}
            </div>
          );
        })}
      </div>
    </Section>
  );
}

function PatternRow({ pattern: { kind, pattern }, onRemove }: { readonly pattern: Pattern; readonly onRemove: () => void }): ReactNode {
  const { create, words } = useText();
  return (
    <Group gap="xs" wrap="nowrap" mih={26}>
      <span className="small dim" style={{ minWidth: 84 }}>
        {words.kind[kind]}
      </span>
      <span className="mono cut" style={{ flex: 1 }} title={pattern}>
        {pattern}
      </span>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label={create.objects.remove(pattern)} onClick={onRemove}>
        <IconX size={14} />
      </ActionIcon>
    </Group>
  );
}

/** For what no tree can show: what is to come, or thousands at once. */
function PatternForm({ selection, onSelect }: Selected): ReactNode {
  const { create, words } = useText();
  const text = create.objects;
  const [kind, setKind] = useState<ObjectKind>("table");
  const [pattern, setPattern] = useState("");
  const add = (side: Side): void => {
    if (pattern.trim() === "") return;
    onSelect(withPattern(selection, side, { kind, pattern: pattern.trim() }));
    setPattern("");
  };
  return (
    <Group gap="xs" align="flex-end">
      <NativeSelect
        size="xs"
        w={140}
        aria-label={text.kind}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value as ObjectKind)}
        data={Object.entries(words.kind).map(([value, label]) => ({ value, label }))}
      />
      <TextInput
        size="xs"
        flex="1 1 130px"
        miw={120}
        aria-label={text.pattern}
        placeholder={text.patternHint}
        value={pattern}
        onChange={(event) => setPattern(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && add("include")}
      />
      <Button size="xs" variant="default" onClick={() => add("include")}>
        {text.addInclude}
      </Button>
      <Button size="xs" variant="default" onClick={() => add("exclude")}>
        {text.addExclude}
      </Button>
    </Group>
  );
}
