import { Group, SimpleGrid, Text } from "@mantine/core";
import { IconCircleCheckFilled, IconCircleDashed } from "@tabler/icons-react";
import type { CSSProperties, ReactNode } from "react";
import { useMay } from "../../api/session.ts";
import type { TaskDetail } from "../../api/tasks.ts";
import type { TaskEvents } from "../../live/task-events.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { Section } from "../../ui/section.tsx";
import { useTaskAction } from "./action-buttons.tsx";
import { CompletingSteps } from "./completing-steps.tsx";
import { LogTail } from "./log-tail.tsx";

/** The steps of Complete, in their order. */
const STEPS = ["fence", "drain", "unlogged", "largeObjects", "deferred", "sequences", "views", "statistics", "source", "target"];

/** The switch: what must be true, what will happen, and then what happens. */
export function CompletePanel({ task, events }: { readonly task: TaskDetail; readonly events: TaskEvents }): ReactNode {
  const { task: texts, words } = useText();
  const text = texts.complete;
  const format = useFormat();
  const mayAct = useMay("operator");
  const act = useTaskAction(task);
  const { lagBytes = null, lagSeconds = null } = task.progress?.stream ?? {};
  const isCompleting = task.state === "completing" || task.before === "completing";
  const isCaughtUp = lagBytes === 0 && lagSeconds === 0;
  const mayComplete = task.allowedActions.includes("complete");
  const steps = STEPS.filter((step) => step !== "fence" || task.options.fence);
  const list = (
    <ol className="happens">
      {steps.map((step) => (
        <li key={step}>{text.steps[step]}</li>
      ))}
    </ol>
  );
  if (isCompleting) {
    return (
      <Section title={text.happening}>
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <CompletingSteps steps={steps} complete={task.progress?.complete ?? null} />
          <LogTail id={task.id} events={events} />
        </SimpleGrid>
      </Section>
    );
  }
  return (
    <Section
      title={text.title}
      actions={
        mayAct &&
        mayComplete && (
          <ConfirmButton label={words.action.complete} title={texts.question(words.action.complete)} isDangerous onConfirm={async () => await act("complete")}>
            <Text size="sm">{texts.consequences.complete}</Text>
            {!isCaughtUp && (
              <Text size="sm" fw={600} style={{ color: "var(--tone-warn)" }}>
                {text.notYetZero}
              </Text>
            )}
            {list}
          </ConfirmButton>
        )
      }
    >
      <Text size="sm" c="dimmed" mb="sm">
        {task.options.fence ? text.introFence : text.intro} {task.options.untilCaughtUp && text.untilCaughtUp}
      </Text>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
        <div>
          <Text size="xs" fw={600} c="dimmed" mb={4}>
            {text.mustBe}
          </Text>
          <Condition isMet={task.state === "readyToComplete"} text={text.ready} now={words.state[task.state]} />
          <Condition isMet={lagBytes === 0} text={text.zeroBytes} now={lagBytes === null ? "–" : format.bytes(lagBytes)} />
          <Condition isMet={lagSeconds === 0} text={text.zeroSeconds} now={lagSeconds === null ? "–" : format.duration(lagSeconds)} />
          <Text size="xs" c="dimmed" mt="xs" style={shownIf(!mayComplete)}>
            {text.notReady}
          </Text>
        </div>
        <div>
          <Text size="xs" fw={600} c="dimmed" mb={4}>
            {text.happens}
          </Text>
          {list}
        </div>
      </SimpleGrid>
    </Section>
  );
}

function Condition({ isMet, text, now }: { readonly isMet: boolean; readonly text: string; readonly now: string }): ReactNode {
  const { task, words } = useText();
  const Icon = isMet ? IconCircleCheckFilled : IconCircleDashed;
  return (
    <Group gap="xs" wrap="nowrap" mih={28}>
      <Icon size={18} role="img" aria-label={isMet ? words.yes : words.no} style={{ flexShrink: 0, color: isMet ? "var(--tone-good)" : "var(--tone-neutral)" }} />
      <Text size="sm">{text}</Text>
      <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap", ...shownIf(!isMet) }}>
        {task.complete.now(now)}
      </Text>
    </Group>
  );
}

/** It keeps its place where it is not shown. */
function shownIf(isShown: boolean): CSSProperties {
  return isShown ? {} : { visibility: "hidden" };
}
