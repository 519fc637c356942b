import { followsChanges } from "../plan/migration-type.ts";
import type { ObjectPattern } from "../plan/object-pattern.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { INCREMENTAL_DEFAULTS, type IncrementalOptions, type MigrationOptions } from "../plan/migration-options.ts";
import type { Plan, PlanEndpoint } from "./plan-schema.ts";

/** A plan with its patterns one by one; where its servers are is told apart. */
export type Asked = Omit<Plan, "source" | "target" | "include" | "exclude"> & { readonly include: readonly ObjectPattern[]; readonly exclude: readonly ObjectPattern[] };

/** What was asked for, complete with the defaults. Throws `usage` for what does not go together. */
export function optionsOfPlan(asked: Asked, endpoints: { readonly source: Endpoint; readonly target: Endpoint }): MigrationOptions {
  const type = asked.type ?? "full";
  return {
    ...endpoints,
    type,
    instance: asked.instance ?? false,
    include: asked.include,
    exclude: asked.exclude,
    concurrency: asked.concurrency,
    noOwner: !(asked.owner ?? true),
    noPrivileges: !(asked.privileges ?? true),
    publications: asked.publications ?? false,
    tablespaceMap: asked.tablespaceMap ?? {},
    acceptAlarms: asked.acceptAlarms ?? false,
    verify: asked.verify ?? false,
    statistics: asked.statistics ?? true,
    incremental: incrementalOptions(type, asked),
    pgDump: asked.pgDump,
  };
}

function incrementalOptions(type: MigrationOptions["type"], { until, fence, conflicts }: Pick<Plan, "until" | "fence" | "conflicts">): IncrementalOptions | undefined {
  if (followsChanges(type)) return { conflicts: conflicts ?? INCREMENTAL_DEFAULTS.conflicts, untilCaughtUp: until === "caught-up", fence: fence ?? INCREMENTAL_DEFAULTS.fence };
  const [odd] = Object.entries({ until, fence: fence === true ? fence : undefined, conflicts }).find(([, value]) => value !== undefined) ?? [];
  if (odd !== undefined) throw new GodwitError("usage", `--${odd} belongs to --type full+incremental, and the type is ${type}`, { object: `--${odd}` });
  return undefined;
}

/** The same the other way round: how it could be asked for again. */
export function planOfOptions(options: Omit<MigrationOptions, "source" | "target" | "concurrency" | "pgDump">): Omit<Plan, "source" | "target" | "concurrency" | "pgDump"> {
  const { incremental } = options;
  return {
    type: options.type,
    instance: options.instance,
    include: patternsByKind(options.include),
    exclude: patternsByKind(options.exclude),
    owner: !options.noOwner,
    privileges: !options.noPrivileges,
    publications: options.publications,
    tablespaceMap: { ...options.tablespaceMap },
    acceptAlarms: options.acceptAlarms,
    verify: options.verify,
    statistics: options.statistics,
    ...(incremental === undefined ? {} : { conflicts: incremental.conflicts, fence: incremental.fence, ...(incremental.untilCaughtUp ? { until: "caught-up" as const } : {}) }),
  };
}

/** The patterns of a plan, one by one. */
export function patternsOf(patterns: Plan["include"]): ObjectPattern[] {
  return Object.entries(patterns ?? {}).flatMap(([kind, texts]) => [texts].flat().map((pattern) => ({ kind: kind as ObjectPattern["kind"], pattern })));
}

/** The same the other way round. */
function patternsByKind(patterns: readonly ObjectPattern[]): Record<string, string[]> {
  const kinds: Record<string, string[]> = {};
  for (const { kind, pattern } of patterns) (kinds[kind] ??= []).push(pattern);
  return kinds;
}

/** libpq's key=value form where parameters are given (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE); a text stays as it is. */
export function connectionText(given: PlanEndpoint): string {
  if (typeof given === "string") return given;
  return Object.entries(given)
    .map(([name, value]) => `${name}='${String(value).replaceAll(/[\\']/g, String.raw`\$&`)}'`)
    .join(" ");
}
