import type { MigrationType, TaskListQuery, TaskState } from "../../api/tasks.ts";

const TYPES: readonly MigrationType[] = ["structure", "full", "full+incremental"];
const SORTS: readonly TaskListQuery["sort"][] = ["created", "-created", "name", "-name", "state", "-state"];

/** States as people look for them. A task may be in none of these groups but `all`. */
export const STATE_GROUPS = {
  all: [],
  active: ["checking", "preparing", "running", "completing", "scheduled", "pausing", "paused", "retrying", "terminating", "readyToComplete"],
  ready: ["readyToComplete"],
  attention: ["checkFailed", "failed", "retrying"],
  idle: ["draft", "checkPassed"],
  ended: ["succeeded", "terminated"],
} as const satisfies Readonly<Record<string, readonly TaskState[]>>;
export type StateGroup = keyof typeof STATE_GROUPS;

export const PAGE = 50;
/** The server skips a million tasks at most. */
const MOST_PAGES = 1_000_000 / PAGE + 1;
const MOST_SEARCH = 200;
const MOST_TAG = 400;

const STATES: ReadonlySet<string> = new Set(Object.values(STATE_GROUPS).flat());

/** How the list is narrowed: all of it is in the address, to go back to and to pass on. */
export interface ListSearch {
  /** A group's name, or states separated by commas. */
  readonly state?: string;
  readonly type?: MigrationType;
  readonly search?: string;
  readonly tag?: string;
  readonly sort?: TaskListQuery["sort"];
  readonly page?: number;
}

export function readListSearch(search: Readonly<Record<string, unknown>>): ListSearch {
  const text = (name: string, most: number): Record<string, string> => (typeof search[name] === "string" && search[name] !== "" ? { [name]: search[name].slice(0, most) } : {});
  const state = search["state"];
  const type = TYPES.find((one) => one === search["type"]);
  const sort = SORTS.find((one) => one === search["sort"]);
  const page = Number(search["page"]);
  return {
    ...(typeof state === "string" && isState(state) ? { state } : {}),
    ...text("search", MOST_SEARCH),
    ...text("tag", MOST_TAG),
    ...(type === undefined ? {} : { type }),
    ...(sort === undefined || sort === "-created" ? {} : { sort }),
    ...(Number.isInteger(page) && page > 1 ? { page: Math.min(page, MOST_PAGES) } : {}),
  };
}

/** A group's name, or states that there are. */
function isState(text: string): boolean {
  return Object.hasOwn(STATE_GROUPS, text) || text.split(",").every((state) => STATES.has(state));
}

/** Whether tags are typed to their end, as far as that can be seen: name=value. */
function isTag(text: string): boolean {
  return text.split(",").every((pair) => pair.indexOf("=") > 0);
}

/** The same as the server is asked. A tag of which only the name is there yet narrows nothing. */
export function listQuery({ state, tag, page = 1, ...rest }: ListSearch): Partial<TaskListQuery> {
  const states = state === undefined ? undefined : Object.hasOwn(STATE_GROUPS, state) ? STATE_GROUPS[state as StateGroup].join(",") : state;
  return {
    ...rest,
    ...(tag !== undefined && isTag(tag) ? { tag } : {}),
    ...(states === undefined || states === "" ? {} : { state: states }),
    limit: PAGE,
    offset: (page - 1) * PAGE,
  };
}

export function isNarrowed({ state, type, search, tag }: ListSearch): boolean {
  return [state, type, search].some((value) => value !== undefined) || (tag !== undefined && isTag(tag));
}

/** How many tasks are in a group, of the figures per state. */
export function countOf(group: StateGroup, states: Readonly<Record<string, number>>): number {
  const wanted: readonly string[] = STATE_GROUPS[group];
  return Object.entries(states).reduce((sum, [state, count]) => (wanted.length === 0 || wanted.includes(state) ? sum + count : sum), 0);
}
