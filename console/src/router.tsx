import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { call } from "./api/client.ts";
import { queryClient } from "./api/query-client.ts";
import { LoginScreen } from "./screens/access/login-screen.tsx";
import { SetupScreen } from "./screens/access/setup-screen.tsx";
import { Frame } from "./screens/frame.tsx";
import { FailedScreen, UnknownScreen } from "./screens/lost-screen.tsx";
import { Shell } from "./screens/shell.tsx";
import { SETTINGS_TABS, type SettingsTab } from "./screens/settings/settings-tabs.ts";
import { TASK_TABS, type TaskTab } from "./screens/task/task-tabs.ts";
import { readListSearch } from "./screens/tasks/list-search.ts";
import { TaskListScreen } from "./screens/tasks/task-list-screen.tsx";

/** A page's own code, asked for until it comes, as all else is: the server may be away just now. Where it is there and has another version, the router loads the page afresh. */
async function part<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  return await queryClient.fetchQuery({
    queryKey: ["part", name],
    queryFn: async () => {
      try {
        return await load();
      } catch (error) {
        await call("getSession");
        throw error;
      }
    },
    staleTime: Infinity,
  });
}

const CreateScreen = lazyRouteComponent(async () => await part("create", async () => await import("./screens/create/create-screen.tsx")), "CreateScreen");
const TaskScreen = lazyRouteComponent(async () => await part("task", async () => await import("./screens/task/task-screen.tsx")), "TaskScreen");
const SettingsScreen = lazyRouteComponent(async () => await part("settings", async () => await import("./screens/settings/settings-screen.tsx")), "SettingsScreen");

const root = createRootRoute({ component: Frame, notFoundComponent: UnknownScreen, errorComponent: FailedScreen });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  component: LoginScreen,
  validateSearch: (search): { next?: string } => (typeof search["next"] === "string" ? { next: search["next"] } : {}),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: SetupScreen,
  validateSearch: (search): { token?: string } => (typeof search["token"] === "string" ? { token: search["token"] } : {}),
});

/** All that needs a login. */
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/tasks", replace: true });
  },
});

const tasks = createRoute({ getParentRoute: () => shell, path: "/tasks", component: TaskListScreen, validateSearch: readListSearch });

const create = createRoute({
  getParentRoute: () => shell,
  path: "/tasks/new",
  component: CreateScreen,
  validateSearch: (search): { similar?: string; task?: string } => ({
    ...(typeof search["similar"] === "string" ? { similar: search["similar"] } : {}),
    ...(typeof search["task"] === "string" ? { task: search["task"] } : {}),
  }),
});

const task = createRoute({
  getParentRoute: () => shell,
  path: "/tasks/$id",
  component: TaskScreen,
  validateSearch: (search): { tab?: TaskTab } => {
    const tab = TASK_TABS.find((name) => name === search["tab"]);
    return tab === undefined ? {} : { tab };
  },
});

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  beforeLoad: ({ location }) => {
    if (location.pathname === "/settings") throw redirect({ to: "/settings/$tab", params: { tab: "password" }, replace: true });
  },
});

const settingsTab = createRoute({
  getParentRoute: () => settings,
  path: "/$tab",
  component: SettingsScreen,
  params: {
    parse: ({ tab }): { tab: SettingsTab } => ({ tab: SETTINGS_TABS.find((name) => name === tab) ?? "password" }),
    stringify: ({ tab }) => ({ tab }),
  },
});

export const router = createRouter({
  routeTree: root.addChildren([home, login, setup, shell.addChildren([tasks, create, task, settings.addChildren([settingsTab])])]),
  // As they are: the router's own way reads the id 12e3456789 as a number.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).flatMap(([name, value]) => (typeof value === "string" || typeof value === "number" ? [[name, String(value)]] : []));
    return given.length === 0 ? "" : `?${new URLSearchParams(given).toString()}`;
  },
  defaultPreload: "intent",
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

/** The code of the other pages, before the server may go away. */
export function loadParts(): void {
  for (const { preload } of [CreateScreen, TaskScreen, SettingsScreen]) void preload?.();
}
