import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAJORS, OLD_MAJORS, type SourceMajor, ownBuild } from "../../../src/embedded/binaries.ts";
import { FAILPOINTS, type Failpoint } from "../../../src/errors/failpoint.ts";
import type { Fault } from "./faults.ts";
import { godwit } from "./godwit-migrator.ts";
import { type ScenarioOptions, describeResult, expectEqual, runScenario } from "./run-scenario.ts";
import { seedsOf } from "./seeds.ts";
import { type ServerPair, startPair } from "./site.ts";

/** 9 × 56 = 504 seeds; those that go wrong on purpose come on top. GODWIT_SEED replays one, and only one. */
const SEEDS_PER_MAJOR = 56;
const SOURCES: readonly SourceMajor[] = [...OLD_MAJORS.filter((major) => ownBuild(major) !== undefined), ...MAJORS];
const newest = MAJORS.at(-1)!;

const FAULTS: readonly (readonly [string, readonly Fault[]])[] = [
  ["the process is killed at random moments", [{ kind: "kill" }]],
  ["the source restarts", [{ kind: "restart", side: "source", mode: "fast" }]],
  ["the source crashes", [{ kind: "restart", side: "source", mode: "immediate" }]],
  ["the target restarts", [{ kind: "restart", side: "target", mode: "fast" }]],
  ["the target crashes", [{ kind: "restart", side: "target", mode: "immediate" }]],
  ["connections are cut", [{ kind: "cut", lifeMs: 2000, lifeMsBefore: 40_000, refused: 0.01 }]],
  ["everything at once", [{ kind: "kill" }, { kind: "restart", side: "source", mode: "immediate" }, { kind: "restart", side: "target", mode: "immediate" }]],
];

/** One scenario; `title` tells what is special about it. */
interface Case {
  readonly title: string;
  readonly seed: string;
  readonly options: Pick<ScenarioOptions, "faults" | "syncMs" | "largeTableBytes" | "isFenced" | "more" | "meddle">;
}

function casesOf(title: string, series: string, count: number, options: Case["options"] = {}): Case[] {
  return seedsOf(series, count).map((seed) => ({ title, seed, options }));
}

/** Without large objects nobody comes by there: test/e2e/tasks/failpoints.long.test.ts does. */
const PASSED_BY: ReadonlySet<Failpoint> = new Set(["large objects copied"]);
/** Where a stream comes by again and again: it dies at the first, and at a later one, that it reaches for sure. */
const AGAIN: ReadonlyMap<Failpoint, number> = new Map([["batch received", 7], ["batch applied", 7], ["batch committed", 7], ["reported", 2]]); // prettier-ignore

function deathsAt(name: Failpoint, source: SourceMajor): Case[] {
  const moments = AGAIN.has(name) ? [name, `${name} ${AGAIN.get(name)}`] : [name];
  return moments.flatMap((moment) => casesOf(`dies at: ${moment}`, `${moment} ${source}`, 1, { faults: [{ kind: "failpoint", name: moment }], isFenced: name === "fence raised" }));
}

/** Batches that follow each other closely: each is written while the one before is under way, and takes its COMMIT along. */
const BACKLOG: Case["options"] = {
  more: "create table public.many (id integer primary key, n integer not null, v text); insert into public.many select i, 0, md5(i::text) from generate_series(-9, 60000) i",
  meddle: async ({ source, target }) => {
    const held = target.query("begin; lock table public.many in access exclusive mode; select pg_catalog.pg_sleep(6); commit").catch(() => undefined);
    for (let at = 0; at < 150; at++) await source.query(`update public.many set n = n + 1, v = md5(v) where id % 20 = ${at % 20}`);
    await held;
  },
};

/** One transaction that is too large for one batch: it is applied in parts, among those of the clients. */
const HUGE: Case["options"] = {
  more: "create table public.huge (id integer primary key, n integer not null, v text); insert into public.huge select i, 0, 'there before' from generate_series(-1000, 0) i",
  meddle: async ({ source }) =>
    void (await source.query(
      `begin; insert into public.huge select i, i, repeat(md5(i::text), 20) from generate_series(1, 40000) i;
       savepoint given_up; update public.huge set n = -n where id % 3 = 0; rollback to given_up;
       update public.huge set n = n + 1, v = md5(v) where id % 2 = 0; update public.huge set id = id + 1000000 where id % 7 = 0; delete from public.huge where id % 5 = 0; commit`,
    )),
};
/** By the seed's number: it is replayed alone. */
const HUGE_EVERY = 8;

function backlogCases(source: SourceMajor): Case[] {
  const dying = (["batch received 20", "batch applied 20", "batch committed 20"] as const).map((name): readonly [string, readonly Fault[]] => [
    `dies at: ${name}`,
    [{ kind: "failpoint", name }],
  ]);
  // A source that restarts would take the connection of the updates.
  const faults = FAULTS.filter(([, of]) => of.every((fault) => fault.kind === "kill" || (fault.kind === "restart" && fault.side === "target")));
  return [...faults, ...dying].flatMap(([what, of]) => casesOf(`a backlog: ${what}`, `backlog, ${what} ${source}`, 1, { ...BACKLOG, faults: of, syncMs: 5000 }));
}

/** Sources at which a worker dies at every failpoint: test_decoding, publications without TRUNCATE, the first with binary values, the newest. */
const DYING: ReadonlySet<SourceMajor> = new Set([SOURCES[0]!, 10, 14, newest]);

/** Up to the newest: all majors, with everything that may go wrong. */
const UP = SOURCES.map((source) => ({
  source,
  target: newest,
  cases: [
    ...casesOf("a random workload", `plain ${source}`, SEEDS_PER_MAJOR).map((of) => (Number(of.seed.split(" ").at(-1)) % HUGE_EVERY === 1 ? { ...of, options: HUGE } : of)),
    ...FAULTS.flatMap(([what, faults]) => casesOf(what, `${what} ${source}`, 2, { faults, syncMs: 5000 })),
    ...(DYING.has(source) ? FAILPOINTS : []).filter((name) => !PASSED_BY.has(name)).flatMap((name) => deathsAt(name, source)),
    ...(source === 14 || source === newest ? backlogCases(source) : []),
    ...(source === 14 ? casesOf("a table in parts, and kills", "in parts 14", 4, { faults: [{ kind: "kill" }], largeTableBytes: 200_000_000, syncMs: 3000 }) : []),
  ],
}));

/** Down, where the target lacks what the source could have. */
const DOWN = ([[18, 10], [14, 11], [17, 16]] as const).map(([source, target]) => ({ source, target, cases: casesOf("a random workload", `down ${source} ${target}`, 6) })); // prettier-ignore

/** From versions that nobody packages to one that is no longer the newest. */
const OLD = SOURCES.filter((source) => source < 10).map((source) => ({ source, target: 16, cases: casesOf("a random workload", `old ${source} 16`, 6) }) as const);

const GROUPS = [...UP, ...DOWN, ...OLD].filter(({ cases }) => cases.length > 0);

describe.each(GROUPS)("full+incremental, $source → $target", ({ source, target, cases }) => {
  let servers: ServerPair;
  beforeAll(async () => void (servers = await startPair(source, target)));
  afterAll(async () => await servers[Symbol.asyncDispose]());

  it.each(cases)("$title: $seed", async ({ seed, options }) => {
    const result = await runScenario({ ...options, seed, servers, migrator: godwit });
    console.log(describeResult(result));
    expectEqual(result);
    // An armed process that did not die shows nothing.
    expect(options.faults === undefined ? 1 : result.faults, "nothing went wrong").toBeGreaterThan(0);
  });
});
