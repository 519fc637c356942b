import type { AskedTask, NewTaskGiven } from "../../../../src/server/contract/new-task.ts";
import type { MigrationType } from "../../api/tasks.ts";
import type { Tags } from "../../ui/tags-field.tsx";
import { type EndpointDraft, NO_ENDPOINT, endpointOf, givenEndpoint } from "./endpoint-draft.ts";
import { NO_SELECTION, type Selection, givenPatterns, patternsOf } from "./selection.ts";

export type ConflictPolicy = NonNullable<NewTaskGiven["conflicts"]>;

export interface DraftOptions {
  readonly owner: boolean;
  readonly privileges: boolean;
  readonly publications: boolean;
  readonly statistics: boolean;
  readonly verify: boolean;
  readonly fence: boolean;
  readonly untilCaughtUp: boolean;
  readonly conflicts: ConflictPolicy;
  readonly tablespaceMap: Readonly<Record<string, string>>;
}

/** A migration as it is being described. Lives in memory alone, as it holds secrets; the server keeps it from the checks on. */
export interface Draft {
  readonly source: EndpointDraft;
  readonly target: EndpointDraft;
  readonly type: MigrationType;
  readonly instance: boolean;
  readonly selection: Selection;
  readonly options: DraftOptions;
  readonly name: string;
  readonly tags: Tags;
  readonly concurrency: number | undefined;
  /** Bytes per second. */
  readonly rateLimit: number | undefined;
  /** As the browser's field has it: local time; empty: now. */
  readonly scheduledAt: string;
  /** What this console has no field for, and an earlier task had. */
  readonly kept: Pick<NewTaskGiven, "retryForSeconds" | "acceptAlarms">;
}

const FIRST_OPTIONS: DraftOptions = {
  owner: true,
  privileges: true,
  publications: false,
  statistics: true,
  verify: false,
  fence: false,
  untilCaughtUp: false,
  conflicts: "stop",
  tablespaceMap: {},
};

export const EMPTY_DRAFT: Draft = {
  source: NO_ENDPOINT,
  target: NO_ENDPOINT,
  type: "full",
  instance: false,
  selection: NO_SELECTION,
  options: FIRST_OPTIONS,
  name: "",
  tags: {},
  concurrency: undefined,
  rateLimit: undefined,
  scheduledAt: "",
  kept: {},
};

/** What was asked for before, to ask for it again. */
export function draftOf(asked: AskedTask): Draft {
  const { source, target, type, instance, include, exclude, until, name, tags, concurrency, rateLimit, retryForSeconds, acceptAlarms } = asked;
  const options = Object.fromEntries(Object.keys(FIRST_OPTIONS).map((option) => [option, asked[option as keyof AskedTask] ?? FIRST_OPTIONS[option as keyof DraftOptions]]));
  return {
    ...EMPTY_DRAFT,
    source: endpointOf(source),
    target: endpointOf(target),
    type: type ?? "full",
    instance: instance ?? false,
    selection: { include: patternsOf(include), exclude: patternsOf(exclude) },
    options: { ...(options as unknown as DraftOptions), untilCaughtUp: until === "caught-up" },
    name: name ?? "",
    tags: tags ?? {},
    concurrency,
    rateLimit,
    kept: { ...(retryForSeconds === undefined ? {} : { retryForSeconds }), ...(acceptAlarms === undefined ? {} : { acceptAlarms }) },
  };
}

/** As the server is asked. `secretsOf`: the task that has the secrets which are not typed again. */
export function newTaskOf(draft: Draft, secretsOf: string | undefined): NewTaskGiven {
  const { source, target, type, instance, selection, options, name, tags, concurrency, rateLimit, scheduledAt, kept } = draft;
  const { owner, privileges, publications, statistics, verify, fence, untilCaughtUp, conflicts, tablespaceMap } = options;
  const follows = type === "full+incremental";
  return {
    ...kept,
    source: givenEndpoint(source),
    target: givenEndpoint(target),
    type,
    instance,
    include: givenPatterns(selection.include),
    exclude: givenPatterns(selection.exclude),
    owner,
    privileges,
    publications,
    statistics,
    verify,
    tablespaceMap: { ...tablespaceMap },
    ...(follows ? { fence, conflicts } : {}),
    ...(follows && untilCaughtUp ? { until: "caught-up" as const } : {}),
    ...(name.trim() === "" ? {} : { name: name.trim() }),
    tags: { ...tags },
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
    ...(scheduledAt === "" ? {} : { scheduledAt: new Date(scheduledAt).toISOString() }),
    ...(secretsOf === undefined ? {} : { secretsOf }),
  };
}
