import type { Migration } from "../../../src/engine/migrations.ts";

/** What worker-process.ts runs and its tests look at. */
export const STEPS = 12;
export const STEP_MS = 400;

export const MIGRATIONS: readonly Migration[] = [
  {
    name: "counted",
    sql: `create table godwit.counted (
      id integer generated always as identity primary key,
      workflow text not null,
      step integer not null,
      what text not null,
      pid integer not null,
      at timestamptz not null default pg_catalog.clock_timestamp())`,
  },
];
