import { Group, Select, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch, IconTag } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import type { MigrationType } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { type ListSearch, STATE_GROUPS, type StateGroup, countOf } from "./list-search.ts";

interface Narrowing {
  readonly search: ListSearch;
  /** Tasks per state, before narrowing. */
  readonly states: Readonly<Record<string, number>>;
  readonly onChange: (change: Partial<Record<keyof ListSearch, ListSearch[keyof ListSearch]>>) => void;
}

export function ListFilters({ search, states, onChange }: Narrowing): ReactNode {
  const { shell, words } = useText();
  const format = useFormat();
  const types = Object.entries(words.type).map(([value, label]) => ({ value, label }));
  const group = search.state ?? "all";
  return (
    <Group justify="space-between" gap="sm" mb="sm">
      <div role="group" aria-label={shell.list.groupLabel} className="groups">
        {(Object.keys(STATE_GROUPS) as StateGroup[]).map((name) => (
          <UnstyledButton key={name} className="group" aria-pressed={group === name} onClick={() => onChange({ state: name === "all" ? undefined : name })}>
            {shell.list.groups[name]} <span className="group-count">{format.count(countOf(name, states))}</span>
          </UnstyledButton>
        ))}
      </div>
      <Group gap="xs" className="filters">
        <TypedFilter
          label={shell.list.searchLabel}
          hint={shell.list.searchHint}
          value={search.search}
          onChange={(text) => onChange({ search: text })}
          icon={<IconSearch size={15} />}
          width={230}
        />
        <TypedFilter label={shell.list.tagLabel} hint={shell.list.tagHint} value={search.tag} onChange={(tag) => onChange({ tag })} icon={<IconTag size={15} />} width={140} />
        <Select
          size="xs"
          w={210}
          aria-label={shell.list.typeLabel}
          placeholder={shell.list.anyType}
          data={types}
          value={search.type ?? null}
          onChange={(type) => onChange({ type: (type as MigrationType | null) ?? undefined })}
          clearable
        />
      </Group>
    </Group>
  );
}

interface Typing {
  readonly label: string;
  readonly hint: string;
  readonly value: string | undefined;
  readonly onChange: (value: string | undefined) => void;
  readonly icon: ReactNode;
  readonly width: number;
}

/** Goes into the address when the typing rests. */
function TypedFilter({ label, hint, value, onChange, icon, width }: Typing): ReactNode {
  const [typed, setTyped] = useState(value ?? "");
  useEffect(() => setTyped(value ?? ""), [value]);
  const settle = useDebouncedCallback((text: string) => onChange(text.trim() === "" ? undefined : text), 300);
  return (
    <TextInput
      size="xs"
      w={width}
      aria-label={label}
      placeholder={hint}
      leftSection={icon}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        settle(event.currentTarget.value);
      }}
    />
  );
}
