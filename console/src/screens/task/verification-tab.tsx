import { Button, Group, Progress, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { useMay } from "../../api/session.ts";
import { TASK_KEYS, type TaskDetail, type Verification, verificationsQuery } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { Tone, type ToneName } from "../../ui/tone.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { Differences } from "./differences.tsx";

const TONES: Readonly<Record<Verification["state"], ToneName>> = { waiting: "neutral", running: "info", equal: "good", different: "bad", failed: "bad", cancelled: "neutral" };
const isAtWork = ({ state }: Verification): boolean => state === "waiting" || state === "running";

/** Comparisons of both sides: the proof that they are equal, or where not. */
export function VerificationTab({ task: { id } }: { readonly task: TaskDetail }): ReactNode {
  const { task } = useText();
  const text = task.verification;
  const mayAct = useMay("operator");
  const queryClient = useQueryClient();
  const { data, error, refetch } = useQuery({
    ...verificationsQuery(id),
    refetchInterval: ({ state }) => (state.status !== "error" && state.data?.verifications.some(isAtWork) === true ? 1_500 : false),
  });
  const start = useMutation({
    mutationFn: async () => await call("startVerification", { params: { id } }),
    onSuccess: async () => await queryClient.invalidateQueries({ queryKey: TASK_KEYS.verifications(id) }),
  });
  const all = data?.verifications ?? [];
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed" maw={640}>
          {text.intro}
        </Text>
        {mayAct && (
          <Button onClick={() => start.mutate()} loading={start.isPending} disabled={all.some(isAtWork)}>
            {text.start}
          </Button>
        )}
      </Group>
      <ErrorPanel error={start.error} />
      <ErrorPanel error={error} onRetry={() => void refetch()} />
      {data === undefined && error === null && <Waiting rows={3} height={56} />}
      {data !== undefined && all.length === 0 && (
        <div className="card">
          <NothingHere>{text.none}</NothingHere>
        </div>
      )}
      {all.map((verification) => (
        <OneVerification key={verification.id} task={id} verification={verification} mayAct={mayAct} />
      ))}
    </Stack>
  );
}

interface Compared {
  readonly task: string;
  readonly verification: Verification;
  readonly mayAct: boolean;
}

function OneVerification({ task, verification, mayAct }: Compared): ReactNode {
  const { task: texts, words } = useText();
  const text = texts.verification;
  const format = useFormat();
  const queryClient = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const cancel = useMutation({
    mutationFn: async () => await call("cancelVerification", { params: { id: task, verification: verification.id } }),
    onSuccess: async () => await queryClient.invalidateQueries({ queryKey: TASK_KEYS.verifications(task) }),
  });
  const { state, startedBy, createdAt, startedAt, endedAt, doneTables, totalTables, rows, differences, error } = verification;
  const took = startedAt !== null && endedAt !== null ? format.duration((Date.parse(endedAt) - Date.parse(startedAt)) / 1000) : "";
  return (
    <article className="card" style={{ padding: 12 }} aria-label={`${words.verification[state]}, ${format.moment(createdAt)}`}>
      <Group justify="space-between" gap="sm">
        <Group gap="sm">
          <Tone tone={TONES[state]} moves={state === "running"}>
            {words.verification[state]}
          </Tone>
          <Text size="sm">{text.progress(format.count(doneTables), format.count(totalTables))}</Text>
          {rows !== null && <Text size="sm">{words.rows(format.count(rows))}</Text>}
          {differences > 0 && (
            <Text size="sm" fw={600} style={{ color: "var(--tone-bad)" }}>
              {text.differences(format.count(differences))}
            </Text>
          )}
          <Text size="xs" c="dimmed">
            <MomentText at={createdAt} /> · {text.started(startedBy)} {took !== "" && `· ${took}`}
          </Text>
        </Group>
        {mayAct && isAtWork(verification) && (
          <Button size="xs" variant="default" onClick={() => cancel.mutate()} loading={cancel.isPending}>
            {text.cancel}
          </Button>
        )}
        {mayAct && differences > 0 && (
          <Button size="xs" variant="default" onClick={() => setOpen(!isOpen)} aria-expanded={isOpen}>
            {isOpen ? text.hide : text.show}
          </Button>
        )}
      </Group>
      {isAtWork(verification) && totalTables > 0 && <Progress value={(100 * doneTables) / totalTables} size={4} mt="xs" aria-label={words.verification[state]} />}
      <ErrorPanel error={error ?? cancel.error} />
      {isOpen && <Differences task={task} verification={verification.id} />}
    </article>
  );
}
