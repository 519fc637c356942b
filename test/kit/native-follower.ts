import type { TestDatabase } from "./databases.ts";

/** Native logical replication from one test database to another, with the row that tells of it where Godwit's own following keeps its position. */
export interface NativeFollower extends AsyncDisposable {
  /** Keeps changes of this table, and all behind them, from being applied, until disposal. Reading goes on. */
  hold(table: string): Promise<AsyncDisposable>;
}

let counter = 0;

/** Follows all tables; both databases hold the same rows. `hasPosition` false: nobody can know that changes are followed. */
export async function followNatively(source: TestDatabase, target: TestDatabase, hasPosition = true): Promise<NativeFollower> {
  const name = `native_${process.pid}_${++counter}`;
  await source.query(`create publication ${name} for all tables`);
  // By hand: on one server CREATE SUBSCRIPTION would wait for its own transaction.
  await source.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  await target.query(`create subscription ${name} connection '${source.uri}' publication ${name} with (create_slot = false, slot_name = ${name}, copy_data = false)`);
  if (hasPosition) {
    // What Godwit's applier keeps there. 0/0: how far it is the slot tells, as after changes that were none for the target.
    await target.query(`create schema godwit; create table godwit.stream (slot text primary key, epoch integer not null, applied pg_lsn not null);
      insert into godwit.stream values ('${name}', 1, '0/0')`);
  }
  return {
    hold: async (table) => {
      await target.query(`begin; lock table ${table} in exclusive mode`);
      return { [Symbol.asyncDispose]: async () => void (await target.query("rollback")) };
    },
    [Symbol.asyncDispose]: async () => {
      await target.query("rollback");
      await target.query(`alter subscription ${name} disable`);
      await target.query(`alter subscription ${name} set (slot_name = none)`);
      await target.query(`drop subscription ${name}`);
      await dropSlot(source, name);
    },
  };
}

async function dropSlot(source: TestDatabase, name: string): Promise<void> {
  for (;;) {
    const [slot] = await source.query<{ active: boolean }>("select active from pg_replication_slots where slot_name = $1", [name]);
    if (slot?.active !== true) break;
    await source.query("select pg_terminate_backend(active_pid), pg_sleep(0.02) from pg_replication_slots where slot_name = $1", [name]);
  }
  await source.query("select pg_drop_replication_slot($1)", [name]);
}
