import type { Mutation } from "../../../src/errors/mutation.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { MigrationFailed, type MigrationSite, type RunningMigration } from "./migrator.ts";
import { LEDGER } from "./random-schema.ts";
import type { ScenarioOptions } from "./run-scenario.ts";

/** A defect that the suite must notice. */
export interface MutationCase {
  readonly name: Mutation;
  /** Where `mutation(name)` is asked, and what the code does instead. */
  readonly where: string;
  /** How a scenario ends without the defect: both sides equal, or an error with such a code. */
  readonly healthy: "equal" | RegExp;
  /** What a scenario needs so that the defect can show. */
  readonly scenario?: Omit<Partial<ScenarioOptions>, "seed" | "servers" | "migrator" | "environment">;
}

/** The first list of the lessons from other tools, in its order. */
export const MUTATION_CASES: readonly MutationCase[] = [
  {
    name: "results unread",
    where: "the reader of a flight's answers: errors and counts are passed over, and the transaction is committed as far as it goes",
    healthy: /row-exists/,
    scenario: { meddle: rowIsThereAlready },
  },
  {
    name: "begin order",
    where: "the receiver, at Begin: a transaction whose xid is lower than that of one already taken is skipped with all its changes",
    healthy: "equal",
  },
  {
    name: "keepalive applies",
    where: "the receiver, at a keepalive: applied and reported become its WAL end, although changes are pending",
    healthy: "equal",
    scenario: { meddle: diesWhileTargetIsHeldUp },
  },
  {
    name: "stop is applied",
    where: "Complete, where the stop LSN is noted: applied becomes it, so that the drain is over at once",
    healthy: "equal",
    scenario: { beforeComplete: targetIsHeldUp },
  },
  {
    name: "resume truncates",
    where: "the copy of a part of a table: the target's table is truncated before, whichever parts are in the ledger",
    healthy: "equal",
    scenario: { faults: [{ kind: "failpoint", name: "chunk committed" }], largeTableBytes: 150_000_000 },
  },
  {
    name: "minus one is a marker",
    where: "the applier, where a change's key decides: an integer key of -1 counts as none, and the change is passed over",
    healthy: "equal",
    scenario: { meddle: async ({ source }) => void (await source.query(`insert into ${LEDGER} values (-1, 1)`)) },
  },
  {
    name: "missing row unnoticed",
    where: "the applier, where counts of affected rows are compared: any count will do",
    healthy: /row-missing/,
    scenario: { meddle: rowIsMissing },
  },
  {
    name: "slot made anew",
    where: "the stream's start: a slot that does not exist is created again, and the stream goes on from where that begins",
    healthy: /slot/,
    scenario: { meddle: slotIsLost },
  },
  {
    name: "goes on after complete",
    where: "Complete, at its end: slot and publication stay, and with them what may go on",
    healthy: "equal",
    scenario: { afterComplete: newPrimaryIsLeftAlone },
  },
  { name: "sequences from max", where: "Complete, where sequences are set: to max(column) of the table that owns them, is_called", healthy: "equal" },
  { name: "toast as null", where: "the batch, where a column of kind 'u' is left out of an UPDATE: it is set to NULL", healthy: "equal" },
  {
    name: "key change ignored",
    where: "the batch, where an UPDATE comes with an old key: it is applied by its new key only, where there is no row, and a count of 0 will do",
    healthy: "equal",
  },
  { name: "truncate ignored", where: "the batch, where TRUNCATE is added: it is passed over", healthy: "equal" },
  { name: "constraint validated", where: "the builder of constraints: those that are NOT VALID on the source are validated as well", healthy: "equal" },
  { name: "values cut", where: "the applier, where a numeric value is written: its trailing zeros behind the point are left out", healthy: "equal" },
];

/** The target got a row by itself, which the source then inserts. */
async function rowIsThereAlready({ source, target }: MigrationSite): Promise<void> {
  await target.query(`insert into ${LEDGER} values (99, 1)`);
  await source.query(`insert into ${LEDGER} values (99, 1)`);
}

/** The target lost a row, which the source then changes. */
async function rowIsMissing({ source, target }: MigrationSite): Promise<void> {
  await source.query(`insert into ${LEDGER} values (99, 1)`);
  const isThere = async (): Promise<boolean> => (await target.query(`select from ${LEDGER} where client = 99`)).length > 0;
  for (let attempt = 0; attempt < 300 && !(await isThere()); attempt++) await new Promise((resolve) => setTimeout(resolve, 50));
  await target.query(`delete from ${LEDGER} where client = 99`);
  await source.query(`delete from ${LEDGER} where client = 99`);
}

/** Somebody makes room on the source's disk. */
async function slotIsLost({ source }: MigrationSite, migration: RunningMigration): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    await source.query("select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active_pid is not null");
    await source.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()").catch(() => undefined);
    if ((await source.query("select from pg_replication_slots where database = current_database()")).length === 0) break;
  }
  await source.query(`insert into ${LEDGER} select 99, generate_series(1, 1000)`);
  await migration.kill();
}

/** Longer than it takes to ask for Complete. */
const HELD_S = 10;
/** Longer than it takes until a keepalive has come, and the source was told. */
const TOLD_MS = 2000;

/** The process dies while changes wait for the target, and the source was told that there are none. */
async function diesWhileTargetIsHeldUp(site: MigrationSite, migration: RunningMigration): Promise<void> {
  await targetIsHeldUp(site);
  await sleep(TOLD_MS);
  await migration.kill();
}

/** Somebody locks a table on the target: the first change waits, and all others behind it. */
async function targetIsHeldUp({ source, target }: MigrationSite): Promise<void> {
  const held = target.query(`begin; lock table ${LEDGER} in access exclusive mode; select pg_catalog.pg_sleep(${HELD_S}); commit`);
  held.catch(() => undefined); // what comes of it is seen in the end
  await sleep(500);
  for (let n = 1; n <= 20; n++) {
    await source.query(`insert into ${LEDGER} values (100, ${n})`);
    await sleep(20); // each is received by itself
  }
}

/** What is written at the old source after Complete must not come, and what is written at the new one must stay. */
async function newPrimaryIsLeftAlone({ source, target }: MigrationSite, migration: RunningMigration): Promise<void> {
  await target.query(`insert into ${LEDGER} values (98, 1)`);
  await source.query(`insert into ${LEDGER} values (97, 1)`);
  await migration.workOn(4000);
  const rows = await target.query<{ client: number }>(`select client from ${LEDGER} where client in (97, 98)`);
  if (rows.length !== 1 || rows[0]?.client !== 98) throw new MigrationFailed("new-primary-overwritten", `the target has ${JSON.stringify(rows)}`);
  await target.query(`delete from ${LEDGER} where client = 98`);
  await source.query(`delete from ${LEDGER} where client = 97`);
}
