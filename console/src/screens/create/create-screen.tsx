import { Stepper, Title } from "@mantine/core";
import { useDocumentTitle, useMediaQuery } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useLocation, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useMay } from "../../api/session.ts";
import { askedQuery } from "../../api/tasks.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { ChecksStep } from "./checks-step.tsx";
import { type Draft, EMPTY_DRAFT, draftOf } from "./draft.ts";
import { ObjectsStep } from "./objects-step.tsx";
import { ServersStep } from "./servers-step.tsx";
import { StartStep } from "./start-step.tsx";
import { useDraftTask } from "./use-draft-task.ts";

/** A new migration: from nothing, like an earlier task, or where a draft was left. */
export function CreateScreen(): ReactNode {
  const { similar, task } = useSearch({ from: "/shell/tasks/new" });
  const { flow, __TSR_key: entry } = useLocation().state;
  const { create, shell } = useText();
  const mayCreate = useMay("operator");
  useDocumentTitle(`${create.title} · Godwit`);
  // The address gets the id of the draft when it is made, on the way: that is still the same description. Any other visit begins another one.
  const description = flow ?? entry ?? "";
  if (!mayCreate) return <NothingHere>{shell.list.emptyViewer}</NothingHere>;
  return <Beginning key={description} task={task} similar={similar} flow={description} />;
}

declare module "@tanstack/react-router" {
  interface HistoryState {
    /** Which description of a migration an entry of the browser's history belongs to. */
    readonly flow?: string;
  }
}

interface Begun {
  readonly task: string | undefined;
  readonly similar: string | undefined;
  readonly flow: string;
}

function Beginning({ task, similar, flow }: Begun): ReactNode {
  const { create } = useText();
  const [earlier] = useState({ task, similar, from: task ?? similar });
  const { data, error, refetch } = useQuery({ ...askedQuery(earlier.from ?? ""), enabled: earlier.from !== undefined });
  const title = earlier.task !== undefined ? create.titleDraft : earlier.similar === undefined ? create.title : create.titleSimilar;
  return (
    <>
      <Title order={1} mb="md">
        {title}
      </Title>
      <ErrorPanel error={error} onRetry={() => void refetch()} />
      {earlier.from !== undefined && data === undefined ? (
        error === null && <Waiting rows={5} />
      ) : (
        <CreateFlow first={data === undefined ? EMPTY_DRAFT : draftOf(data)} task={earlier.task} secretsOf={earlier.from} flow={flow} />
      )}
    </>
  );
}

interface Flow {
  readonly first: Draft;
  readonly task: string | undefined;
  readonly secretsOf: string | undefined;
  readonly flow: string;
}

function CreateFlow({ first, task, secretsOf, flow }: Flow): ReactNode {
  const { create } = useText();
  const [draft, setDraft] = useState(first);
  const [step, setStep] = useState(0);
  const isPhone = useMediaQuery("(max-width: 48em)", undefined, { getInitialValueInEffect: false });
  const draftTask = useDraftTask({ task, secretsOf, flow });
  const change = (changed: Partial<Draft>): void => setDraft((now) => ({ ...now, ...changed }));
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef(step);
  // What was pressed to come here is gone, and the focus with it.
  useEffect(() => {
    if (shown.current !== step) heading.current?.focus({ preventScroll: true });
    shown.current = step;
  }, [step]);
  const goTo = (next: number): void => {
    setStep(next);
    window.scrollTo({ top: 0 });
  };
  const names = Object.values(create.steps);
  const common = { draft, onChange: change, secretsOf: draftTask.id ?? secretsOf };
  return (
    <>
      {!isPhone && (
        <Stepper active={step} onStepClick={goTo} size="xs" mb="lg" allowNextStepsSelect={false}>
          {names.map((name) => (
            <Stepper.Step key={name} label={name} />
          ))}
        </Stepper>
      )}
      <h2 ref={heading} tabIndex={-1} className={isPhone ? "step-name" : "unseen"}>
        {create.stepOf(step + 1, names[step] ?? "")}
      </h2>
      {step === 0 && <ServersStep {...common} onNext={() => goTo(1)} />}
      {step === 1 && <ObjectsStep {...common} draftTask={draftTask} onBack={() => goTo(0)} onNext={() => goTo(2)} />}
      {step === 2 && draftTask.id !== undefined && <ChecksStep id={draftTask.id} onBack={() => goTo(1)} onNext={() => goTo(3)} />}
      {step === 3 && <StartStep {...common} draftTask={draftTask} onBack={() => goTo(2)} />}
    </>
  );
}
