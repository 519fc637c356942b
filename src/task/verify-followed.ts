import type { Following } from "../verify/following.ts";
import { type UnsettledTable, lookAgain } from "../verify/look-again.ts";
import { type FirstLook, lookFirst } from "../verify/verify.ts";
import { type Lsn, formatLsn } from "../wire/lsn.ts";
import { type Compared, type Comparison, type EndpointPair, comparePartsOfOneSide, isFilledView, optionsFor, reportResult, tablesOf, withBoth } from "./compare-tables.ts";
import type { MigrationHooks } from "./migrate.ts";

/**
 * A database is compared while its changes are followed in four steps: the target passes what the source's snapshot shows; all tables are looked at once
 * (`compareFirst`); those that differ are looked at again until it is certain of each row whether the difference lasts (`compareOn`); and it is told of which
 * positions all this holds.
 */
export interface Looked {
  readonly database: string;
  /** Everything that the source's side of the first look shows was committed before. */
  readonly source: Lsn;
  /** Where the target was before it was looked at; it may have gone on since. */
  readonly target: Lsn | undefined;
  readonly first: FirstLook;
  /** Parts that one side alone has, of a target that had not passed what the source shows. */
  readonly unsettled: readonly UnsettledTable[];
}

/** Looks at every table once. Materialized views are not followed: they are filled when the migration completes. */
export async function compareFirst(pair: EndpointPair, what: Compared, following: Following, concurrency: number, hooks: MigrationHooks): Promise<Looked> {
  const { catalog, isSelected } = what;
  const database = catalog.database.name;
  if (catalog.relations.some((relation) => isFilledView(relation) && isSelected(relation))) {
    hooks.report({
      event: "notice",
      level: "info",
      message: `${database}: materialized views are not compared while changes are followed: they are filled when the migration completes`,
    });
  }
  const source = await following.sourcePosition();
  const arrival = await following.pass(source);
  if (!arrival.hasPassed) hooks.report({ event: "notice", level: "warning", message: `${database}: ${arrival.why}; what differs cannot be decided on` });
  const target = await following.position();
  const tables = tablesOf(what);
  const looked = await lookFirst(pair.source, pair.target, tables, optionsFor(tables, what, concurrency, hooks));
  const lone = await comparePartsOfOneSide(pair, what, hooks);
  const first = withBoth(looked, arrival.hasPassed ? lone : { ...lone, differences: [] });
  reportResult(first, what, hooks);
  return { database, source, target, first, unsettled: arrival.hasPassed ? [] : lone.differences.map(({ table }) => ({ table, reason: arrival.why })) };
}

/** Looks again at what differed. */
export async function compareOn(
  pair: EndpointPair,
  { database, source, target, first, unsettled: undecided }: Looked,
  following: Following,
  concurrency: number,
  hooks: MigrationHooks,
): Promise<Comparison> {
  const { report, signal } = hooks;
  const { looks, until, lasting, unsettled: open } = await lookAgain(pair.source, pair.target, first.suspects, following, { concurrency, signal });
  const unsettled = [...undecided, ...open];
  for (const { table, rows, isComplete, keys } of lasting) {
    const differing = `${isComplete ? "" : "at least "}${rows === 1 ? "1 row differs" : `${rows} rows differ`}`;
    report({
      event: "difference",
      database,
      table,
      reason: `${differing} also after the target had passed what the source showed`,
      keys,
    });
  }
  for (const { table, reason } of unsettled) {
    report({ event: "notice", level: "warning", message: `${table} is neither known to be equal nor to differ: ${reason}`, object: table });
  }
  const positions = `the source as of LSN ${formatLsn(source)}, the target ${target === undefined ? "" : `at LSN ${formatLsn(target)} `}or later`;
  const suspects = first.suspects.length;
  const again =
    looks === 0 ? "" : `; ${suspects === 1 ? "1 table differed then and was" : `${suspects} tables differed then and were`} looked at again, until LSN ${formatLsn(until)}`;
  report({ event: "notice", level: "info", message: `${database}: changes are followed: tables were compared with ${positions}${again}` });
  return { ...first, differences: first.differences.length + lasting.length, unsettled };
}
