import { Collapse, NativeSelect, SimpleGrid, Stack, Switch, Textarea, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { MigrationType } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import type { ConflictPolicy, DraftOptions } from "./draft.ts";

const SWITCHES = ["owner", "privileges", "publications", "statistics", "verify"] as const;
const STREAM_SWITCHES = ["fence", "untilCaughtUp"] as const;

interface Optional {
  readonly options: DraftOptions;
  readonly type: MigrationType;
  readonly onChange: (changed: Partial<DraftOptions>) => void;
}

export function MoreOptions({ options, type, onChange }: Optional): ReactNode {
  const { create } = useText();
  const text = create.options;
  const [isOpen, { toggle }] = useDisclosure(false);
  const [maps, setMaps] = useState(() => Object.entries(options.tablespaceMap).map(([from, to]) => `${from} = ${to}`).join("\n")); // prettier-ignore
  const follows = type === "full+incremental";
  const switchOf = (option: (typeof SWITCHES)[number] | (typeof STREAM_SWITCHES)[number]): ReactNode => (
    <Switch key={option} size="sm" label={text[option]} checked={options[option]} onChange={(event) => onChange({ [option]: event.currentTarget.checked })} />
  );
  return (
    <div>
      <UnstyledButton className="opener" onClick={toggle} aria-expanded={isOpen}>
        <IconChevronDown size={14} style={{ transform: isOpen ? undefined : "rotate(-90deg)" }} aria-hidden /> {text.title}
      </UnstyledButton>
      <Collapse expanded={isOpen}>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" pt="sm">
          <Stack gap="sm">{SWITCHES.map(switchOf)}</Stack>
          <Stack gap="sm">
            {follows && STREAM_SWITCHES.map(switchOf)}
            {follows && (
              <NativeSelect
                label={text.conflicts}
                value={options.conflicts}
                onChange={(event) => onChange({ conflicts: event.currentTarget.value as ConflictPolicy })}
                data={(Object.keys(text.conflict) as ConflictPolicy[]).map((value) => ({ value, label: text.conflict[value] }))}
              />
            )}
            <Textarea
              label={text.tablespaces}
              description={text.tablespacesHint}
              autosize
              minRows={2}
              value={maps}
              onChange={(event) => {
                setMaps(event.currentTarget.value);
                onChange({ tablespaceMap: readMaps(event.currentTarget.value) });
              }}
            />
          </Stack>
        </SimpleGrid>
      </Collapse>
    </div>
  );
}

function readMaps(text: string): Record<string, string> {
  const pairs = text.split("\n").map((line) => line.split("=").map((part) => part.trim()));
  return Object.fromEntries(pairs.filter(([from = "", to = ""]) => from !== "" && to !== "").map(([from = "", to = ""]) => [from, to]));
}
