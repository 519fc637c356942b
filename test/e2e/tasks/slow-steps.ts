import { Client } from "pg";
import { startServer } from "../../../src/embedded/server.ts";
import type { Step } from "../../../src/task/events.ts";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { createAccount } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { databaseOf } from "./database-of.ts";
import { type Pair, newest } from "./task-site.ts";

/** A step that does not end before somebody lets it, for a reason that databases have: another session's lock, a function that takes its time, a small rate. */
export interface SlowStep {
  readonly step: Step;
  readonly by: string;
  readonly options?: Partial<MigrationOptions>;
  readonly rateLimit?: number;
  /** Where the shared servers will not do. */
  readonly pair?: (stack: AsyncDisposableStack) => Promise<Pair>;
  /** Closes the way; called before the start. What it opens ends with the stack. */
  readonly close: (pair: Pair, stack: AsyncDisposableStack) => Promise<Obstacle>;
}

export interface Obstacle {
  /** When an earlier step has come to a halt: moves on to the one that is meant. */
  readonly advance?: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** What waits at each gate; closed on the target only. */
const GATES = { copy: 1, index: 2, view: 3, analyze: 4, key: 5, validation: 6 } as const;
type Gate = keyof typeof GATES;

/** Whatever passes `gate(n, …)` waits until nobody holds the advisory lock n: a function that takes as long as the test wants. */
export async function fillGated({ source }: Pair): Promise<void> {
  await source.query(`
    create function gate(n int, value int) returns int language plpgsql immutable as $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(n); return value; end $$;
    create function analyzing(value int) returns int language plpgsql immutable as $$
      begin if pg_catalog.current_query() ~* '^analyze' then perform pg_catalog.pg_advisory_xact_lock_shared(${GATES.analyze}); end if; return value; end $$;
    create domain gated as text check (public.gate(${GATES.copy}, 1) = 1);
    create schema app; create sequence s; select nextval('s') from generate_series(1, 7);
    create table copied (id int primary key, body gated); insert into copied select i, repeat('x', 1000) from generate_series(1, 50) i;
    create table indexed (id int primary key, body text); insert into indexed select i, md5(i::text) from generate_series(1, 50) i; create index on indexed (gate(${GATES.index}, id));
    create table analyzed (id int primary key, twice int); insert into analyzed select i, 2 * i from generate_series(1, 50) i; create index on analyzed (analyzing(id));
    create statistics of_both on id, twice from analyzed; -- a target of 18 takes the other statistics from the source
    create materialized view v as select gate(${GATES.view}, id) as id from indexed;
    select lo_from_bytea(0, decode(repeat('ab', 5000), 'hex')) from generate_series(1, 3)`);
  // The values of foreign keys are cast to the parents' type for the check: of a small table when the key is added, of a large one later.
  for (const [at, [gate, bytes]] of (
    [
      ["key", 10],
      ["validation", 200_000],
    ] as const
  ).entries()) {
    await source.query(`create type k${at} as (n int);
      create function k${at}_to_int(k${at}) returns int language sql immutable as 'select public.gate(${GATES[gate]}, ($1).n)';
      create cast (k${at} as int) with function k${at}_to_int(k${at}) as implicit;
      create table parent${at} (id int primary key, body text); alter table parent${at} alter body set storage external;
      insert into parent${at} select i, repeat('x', ${bytes}) from generate_series(1, 12) i;
      create table child${at} (id int primary key, parent k${at} references parent${at}, body text); alter table child${at} alter body set storage external;
      insert into child${at} select i, row(i)::k${at}, repeat('x', ${bytes}) from generate_series(1, 12) i`);
  }
}

/** A session of somebody else, who does something and keeps the locks of it. */
async function somebody(stack: AsyncDisposableStack, database: TestDatabase, sql: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: database.uri, application_name: "somebody" });
  client.on("error", () => undefined);
  await client.connect();
  stack.defer(async () => await client.end());
  await client.query(sql);
  return async () => await client.end();
}

async function closeGate(stack: AsyncDisposableStack, { target }: Pair, gate: Gate): Promise<() => Promise<void>> {
  return await somebody(stack, target, `select pg_advisory_lock(${GATES[gate]})`);
}

function behindGate(gate: Gate): SlowStep["close"] {
  return async (pair, stack) => ({ remove: await closeGate(stack, pair, gate) });
}

/** A lock that an earlier step would meet too is taken while that earlier step, or what comes after it, waits at a gate. */
function lockedAfter(gate: Gate, side: keyof Pair, sql: string): SlowStep["close"] {
  return async (pair, stack) => {
    const open = await closeGate(stack, pair, gate);
    let unlock = async (): Promise<void> => undefined;
    return {
      advance: async () => {
        unlock = await somebody(stack, pair[side], sql);
        await open();
      },
      remove: async () => await unlock(),
    };
  };
}

function locked(side: keyof Pair, sql: string): SlowStep["close"] {
  return async (pair, stack) => ({ remove: await somebody(stack, pair[side], sql) });
}

const equalMajors = async (): Promise<Pair> => ({ source: await createDatabase(newest), target: await createDatabase(newest) });

/** Every step of a migration, slow in the ways that it can be. */
export const SLOW_STEPS: readonly SlowStep[] = [
  { step: "connect", by: "a network that lets nothing through", close: async () => ({ remove: async () => undefined }) },
  { step: "plan", by: "a lock on a table of the source", close: locked("source", "begin; lock table indexed") },
  // Another version's structure is rehearsed.
  { step: "precheck", by: "somebody who creates the same schema", close: locked("target", "begin; create schema app") },
  {
    step: "roles",
    by: "somebody who creates the same role",
    options: { include: [{ kind: "role", pattern: "paused_owner" }] },
    pair: async (stack) => {
      await createAccount(newest, "paused_owner");
      return { source: await createDatabase(newest), target: databaseOf(stack.use(await startServer({ major: newest }))) };
    },
    close: locked("target", "begin; create role paused_owner"),
  },
  { step: "structure", by: "somebody who creates the same schema", pair: equalMajors, close: locked("target", "begin; create schema app") },
  { step: "copy", by: "a function in a domain's check", close: behindGate("copy") },
  { step: "copy", by: "its rate", rateLimit: 50, close: async () => ({ remove: async () => undefined }) },
  { step: "index", by: "a function of its expression", close: behindGate("index") },
  { step: "finish", by: "somebody who writes to a table that gets a foreign key", close: lockedAfter("key", "target", "begin; lock table parent1 in row exclusive mode") },
  { step: "finish", by: "a function that casts a foreign key's values", close: behindGate("key") },
  { step: "finish", by: "the validation of a large table's foreign key", close: behindGate("validation") },
  { step: "finish", by: "a function of a materialized view", close: behindGate("view") },
  { step: "analyze", by: "a function of an index's expression", close: behindGate("analyze") },
  { step: "analyze", by: "a lock on a table of the source", close: lockedAfter("view", "source", "begin; lock table indexed") },
  { step: "verify", by: "a lock on a table of the target", options: { verify: true, statistics: false }, close: lockedAfter("view", "target", "begin; lock table copied") },
  { step: "verify", by: "a lock on a table of the source", options: { verify: true, statistics: false }, close: lockedAfter("view", "source", "begin; lock table copied") },
];
