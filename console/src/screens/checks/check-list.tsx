import { Button, Collapse, Group, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconRefresh } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client.ts";
import { newestOf } from "../../api/newest-task.ts";
import { useMay } from "../../api/session.ts";
import { type Item, TASK_KEYS, type TaskDetail, checksQuery } from "../../api/tasks.ts";
import { useFormat, useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { MomentText } from "../../ui/moment-text.tsx";
import { NothingHere } from "../../ui/nothing-here.tsx";
import { ResultIcon } from "../../ui/result-icon.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { CheckCard } from "./check-card.tsx";

/** Few enough to read through without searching. */
const MOST_UNSEARCHED = 12;

/** The checks of a task, as they come; the gravest first. */
export function CheckList({ task }: { readonly task: TaskDetail }): ReactNode {
  const { create } = useText();
  const format = useFormat();
  const [search, setSearch] = useState("");
  // Events say when there is something new; asking now and then covers what gets lost.
  const { data, error, refetch } = useQuery({ ...checksQuery(task.id), refetchInterval: task.state === "checking" ? 2_000 : false });
  if (data === undefined) return error === null ? <Waiting rows={5} height={48} /> : <ErrorPanel error={error} onRetry={() => void refetch()} />;
  const isRunning = data.isRunning || task.state === "checking";
  const of = (result: Item["result"]): Item[] =>
    data.items.filter((item) => item.result === result && `${item.title} ${item.scope} ${item.id} ${item.evidence.join(" ")}`.toLowerCase().includes(search.toLowerCase()));
  const [failed, alarms, passed] = [of("failed"), of("alarm"), of("passed")];
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm" mih={34}>
        <Group gap="sm" aria-live="polite">
          {isRunning && <ResultIcon result="running" />}
          {isRunning && (
            <Text size="sm" fw={500}>
              {data.items.length === 0 ? create.checks.waiting : create.checks.running}
            </Text>
          )}
          {data.items.length > 0 && (
            <Text size="sm" c="dimmed">
              {create.checks.counts(format.count(failed.length), format.count(alarms.length), format.count(passed.length))}
            </Text>
          )}
          {data.checkedAt !== null && (
            <Text size="xs" c="dimmed">
              {create.checks.at} <MomentText at={data.checkedAt} />
            </Text>
          )}
        </Group>
        <Group gap="xs">
          {data.items.length > MOST_UNSEARCHED && (
            <TextInput
              size="xs"
              w={180}
              aria-label={create.checks.searchLabel}
              placeholder={create.checks.searchLabel}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          )}
          <AgainButton task={task} isRunning={isRunning} />
        </Group>
      </Group>
      {data.items.length === 0 && !isRunning && <NothingHere>{create.checks.none}</NothingHere>}
      {[...failed, ...alarms].map((item) => (
        <CheckCard
          key={`${item.id} ${item.scope}`}
          item={item}
          alike={data.items.filter(({ id, result }) => id === item.id && result === "alarm").map(({ scope }) => scope)}
          task={task}
        />
      ))}
      {passed.length > 0 && <PassedChecks items={passed} isAll={failed.length + alarms.length === 0} />}
    </Stack>
  );
}

function AgainButton({ task, isRunning }: { readonly task: TaskDetail; readonly isRunning: boolean }): ReactNode {
  const { create } = useText();
  const mayAct = useMay("operator");
  const queryClient = useQueryClient();
  const again = useMutation({
    mutationFn: async () => await newestOf(task.id, async () => await call("actOnTask", { params: { id: task.id }, body: { action: "check" } })),
    onSuccess: (answer) => {
      queryClient.setQueryData(TASK_KEYS.task(task.id), answer);
      void queryClient.invalidateQueries({ queryKey: TASK_KEYS.checks(task.id) });
    },
  });
  if (!mayAct || (!task.allowedActions.includes("check") && !isRunning)) return null;
  return (
    <>
      <Button variant="default" size="xs" leftSection={<IconRefresh size={14} />} onClick={() => again.mutate()} loading={again.isPending} disabled={isRunning}>
        {create.checks.again}
      </Button>
      <ErrorPanel error={again.error} />
    </>
  );
}

/** One line each, and folded where something else wants to be read. */
function PassedChecks({ items, isAll }: { readonly items: readonly Item[]; readonly isAll: boolean }): ReactNode {
  const { create } = useText();
  const format = useFormat();
  const [wanted, setWanted] = useState<boolean>();
  const isOpen = wanted ?? isAll;
  return (
    <div className="card" style={{ padding: "8px 12px" }}>
      <UnstyledButton className="opener" onClick={() => setWanted(!isOpen)} aria-expanded={isOpen}>
        <IconChevronDown size={14} style={{ transform: isOpen ? undefined : "rotate(-90deg)" }} aria-hidden /> {create.checks.showPassed(format.count(items.length))}
      </UnstyledButton>
      <Collapse expanded={isOpen}>
        <Stack gap={4} pt="xs">
          {items.map((item) => (
            <Group key={`${item.id} ${item.scope}`} gap="xs" wrap="nowrap" align="flex-start">
              <ResultIcon result="passed" size={16} />
              <Text size="sm" className="break">
                {item.title}{" "}
                <Text span size="xs" c="dimmed">
                  {item.scope} {item.evidence.slice(0, 2).join("; ")}
                </Text>
              </Text>
            </Group>
          ))}
        </Stack>
      </Collapse>
    </div>
  );
}
