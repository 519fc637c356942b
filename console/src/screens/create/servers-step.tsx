import { Button, SimpleGrid, Space } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { PingAnswer } from "../../../../src/server/contract/servers.ts";
import { call } from "../../api/client.ts";
import { useText } from "../../text/text-context.tsx";
import type { Draft } from "./draft.ts";
import { EndpointCard } from "./endpoint-card.tsx";
import { type EndpointDraft, givenEndpoint, isNamed } from "./endpoint-draft.ts";
import type { Tested } from "./ping-result.tsx";
import { Note } from "../../ui/note.tsx";
import { StepButtons } from "./step-buttons.tsx";

const SIDES = ["source", "target"] as const;
type Side = (typeof SIDES)[number];

interface Step {
  readonly draft: Draft;
  readonly onChange: (changed: Partial<Draft>) => void;
  readonly secretsOf: string | undefined;
  readonly onNext: () => void;
}

/** ① Both servers, and whether they can be reached. */
export function ServersStep({ draft, onChange, secretsOf, onNext }: Step): ReactNode {
  const { create, words } = useText();
  const [tests, setTests] = useState<Readonly<Record<Side, Tested>>>({ source: {}, target: {} });
  const [isAsked, setAsked] = useState(false);
  const tell = (side: Side, tested: Tested): void => setTests((now) => ({ ...now, [side]: tested }));
  const isGood = (side: Side): boolean => tests[side].answer?.isReachable === true && tests[side].of === draft[side];

  const test = async (side: Side): Promise<boolean> => {
    const of = draft[side];
    tell(side, { of, isRunning: true });
    try {
      const answer: PingAnswer = await call("ping", { body: { side, endpoint: givenEndpoint(of), ...(secretsOf === undefined ? {} : { secretsOf }) } });
      tell(side, { of, answer });
      return answer.isReachable;
    } catch (error) {
      tell(side, { of, error });
      return false;
    }
  };

  const goOn = async (): Promise<void> => {
    setAsked(true);
    if (!SIDES.every((side) => isNamed(draft[side]))) return;
    const reached = await Promise.all(SIDES.map(async (side) => isGood(side) || (await test(side))));
    if (reached.every(Boolean)) onNext();
  };

  const isRunning = SIDES.some((side) => tests[side].isRunning === true);
  const isRefused = isAsked && !isRunning && SIDES.every((side) => isNamed(draft[side])) && SIDES.some((side) => tests[side].of === draft[side] && !isGood(side));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void goOn();
      }}
    >
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
        {SIDES.map((side) => (
          <EndpointCard
            key={side}
            side={side}
            draft={draft[side]}
            wantsName={isAsked}
            tested={tests[side]}
            onChange={(changed: Partial<EndpointDraft>) => onChange({ [side]: { ...draft[side], ...changed } })}
            onTest={() => void test(side)}
          />
        ))}
      </SimpleGrid>
      <Space h="md" />
      {isRefused && (
        <Note tone="warn">
          {create.servers.mustTest}{" "}
          <Button variant="subtle" size="compact-sm" onClick={onNext}>
            {create.servers.anyway}
          </Button>
        </Note>
      )}
      <StepButtons>
        <span />
        <Button type="submit" loading={isRunning}>
          {words.next}
        </Button>
      </StepButtons>
    </form>
  );
}
