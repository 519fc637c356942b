import { Tabs } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { isMissing } from "../../api/api-failure.ts";
import { useMay } from "../../api/session.ts";
import { type TaskDetail, taskQuery } from "../../api/tasks.ts";
import { type TaskEvents, useTaskEvents } from "../../live/task-events.ts";
import { useText } from "../../text/text-context.tsx";
import { ErrorPanel } from "../../ui/error-panel.tsx";
import { LiveNotes } from "../../ui/live-notes.tsx";
import { Waiting } from "../../ui/waiting.tsx";
import { CheckList } from "../checks/check-list.tsx";
import { LeadsNowhere } from "../lost-screen.tsx";
import { ChangesTab } from "./changes-tab.tsx";
import { LogTab } from "./log-tab.tsx";
import { Overview } from "./overview.tsx";
import { TableTab } from "./table-tab.tsx";
import { TaskHead } from "./task-head.tsx";
import { TaskSettings } from "./task-settings.tsx";
import { TASK_TABS, type TaskTab } from "./task-tabs.ts";
import { VerificationTab } from "./verification-tab.tsx";

/** One task, live. */
export function TaskScreen(): ReactNode {
  const { id } = useParams({ from: "/shell/tasks/$id" });
  // Another task is another page: nothing of the one before may stay.
  return <OneTask key={id} id={id} />;
}

function OneTask({ id }: { readonly id: string }): ReactNode {
  const { task: text } = useText();
  const { tab = "overview" } = useSearch({ from: "/shell/tasks/$id" });
  const navigate = useNavigate({ from: "/tasks/$id" });
  const mayAct = useMay("operator");
  const { data: task, error, refetch } = useQuery(taskQuery(id));
  const events = useTaskEvents(error === null ? id : undefined);
  const isKnown = task !== undefined;
  const tabList = useRef<HTMLDivElement>(null);
  useDocumentTitle(task === undefined ? "Godwit" : `${task.name} · Godwit`);
  // On a phone not all of them fit. (It returns a promise in newer browsers, whatever its type says.)
  useEffect(() => {
    tabList.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab, isKnown]);
  // It was deleted, perhaps while it was looked at.
  if (isMissing(error)) return <LeadsNowhere>{text.missing}</LeadsNowhere>;
  if (task === undefined) return error === null ? <Waiting rows={8} height={44} /> : <ErrorPanel error={error} onRetry={() => void refetch()} />;
  const Page = PAGES[tab];
  const tabs = TASK_TABS.filter((name) => isOffered(name, task, mayAct));
  return (
    <>
      <LiveNotes connection={events.connection} workers={task.endedAt === null ? task.workers : undefined} />
      <TaskHead task={task} />
      <Tabs value={tab} onChange={(next) => void navigate({ search: next === "overview" || next === null ? {} : { tab: next as TaskTab }, replace: true })} keepMounted={false}>
        <Tabs.List ref={tabList} mb="md" aria-label={text.tabsLabel} className="tabs">
          {tabs.map((name) => (
            <Tabs.Tab key={name} value={name}>
              {text.tabs[name]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>{tabs.includes(tab) && <Page task={task} events={events} />}</Tabs.Panel>
      </Tabs>
    </>
  );
}

interface Paged {
  readonly task: TaskDetail;
  readonly events: TaskEvents;
}

const PAGES: Readonly<Record<TaskTab, (page: Paged) => ReactNode>> = {
  overview: Overview,
  tables: TableTab,
  checks: CheckList,
  verification: VerificationTab,
  changes: ChangesTab,
  logs: LogTab,
  settings: TaskSettings,
};

/** The page of changes holds keys of rows, which are not for everybody who may look. */
function isOffered(tab: TaskTab, { type }: TaskDetail, mayAct: boolean): boolean {
  if (tab === "changes") return type === "full+incremental" && mayAct;
  return type !== "structure" || (tab !== "tables" && tab !== "verification");
}
