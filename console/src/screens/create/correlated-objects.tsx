import { Button, Group, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { EndpointGiven } from "../../../../src/server/contract/endpoint.ts";
import { call } from "../../api/client.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { Section } from "../../ui/section.tsx";
import { type Pattern, type Selection, givenPatterns, withPattern } from "./selection.ts";

interface Correlated {
  readonly endpoint: EndpointGiven;
  readonly secretsOf: string | undefined;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
}

/** What the selection depends on and leaves out, offered. */
export function CorrelatedObjects({ endpoint, secretsOf, selection, onSelect }: Correlated): ReactNode {
  const { create, words } = useText();
  const [settled] = useDebouncedValue(selection, 600);
  const { data, error } = useQuery({
    // Without the endpoint, which holds a password; it does not change while this is shown.
    queryKey: ["correlated", settled],
    queryFn: async ({ signal }) =>
      await call("findCorrelated", {
        body: { source: endpoint, include: givenPatterns(settled.include), exclude: givenPatterns(settled.exclude), ...(secretsOf === undefined ? {} : { secretsOf }) },
        signal,
      }),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
  const add = (patterns: readonly Pattern[]): void => onSelect(patterns.reduce((now, pattern) => withPattern(now, "include", pattern), selection));
  if (error !== null) return <ErrorPanel error={error} />;
  if (data === undefined) return null;
  const { missing } = data;
  if (missing.length === 0) {
    return (
      <Text size="xs" c="dimmed">
        {create.objects.nothingMissing}
      </Text>
    );
  }
  return (
    <Section
      title={create.objects.correlated}
      actions={
        <Button size="compact-sm" variant="default" onClick={() => add(missing.map(({ pattern }) => pattern))}>
          {create.objects.addAll}
        </Button>
      }
    >
      <div style={{ maxHeight: 200, overflow: "auto" }}>
        {missing.map(({ object, neededBy, pattern }) => (
          <Group key={`${object} ${neededBy}`} gap="xs" wrap="nowrap" mih={30}>
            <div style={{ flex: 1, minWidth: 0 }} className="small">
              <span className="break">{object}</span> <span className="dim break">{create.objects.neededBy(neededBy)}</span>
            </div>
            <Button size="compact-xs" variant="default" onClick={() => add([pattern])} aria-label={`${words.add} ${object}`}>
              {words.add}
            </Button>
          </Group>
        ))}
      </div>
    </Section>
  );
}
