import type { Migration } from "../engine/migrations.ts";

/** The schema `godwit` of the store. What was released is never changed: a new need is a new migration at the end. */
export const STORE_MIGRATIONS: readonly Migration[] = [
  {
    name: "tasks and their logs",
    sql: `
      create table godwit.task (
        id text primary key,
        name text not null,
        -- How people read the two servers, without secrets: what a task is found again by.
        source text not null,
        target text not null,
        -- What was asked for, without the endpoints; these hold passwords and keys, and are sealed.
        options jsonb not null,
        endpoints text not null,
        tags jsonb not null default '{}',
        state text not null default 'draft',
        -- The work that a paused, retrying or failed task goes back to.
        before_state text,
        step text,
        -- Each start is a workflow of its own.
        run integer not null default 0,
        concurrency integer not null check (concurrency between 1 and 128),
        rate_limit bigint check (rate_limit > 0),
        scheduled_at timestamptz,
        -- {code, message, object?, advice}: why it failed, or why it tries again and when.
        error jsonb,
        next_try_at timestamptz,
        -- What a run that succeeded has moved. (json, here and in the log, keeps the order of what it tells.)
        summary json,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        ended_at timestamptz,
        changed_at timestamptz not null default now()
      );
      create index on godwit.task (created_at);
      create table godwit.task_log (
        id bigint generated always as identity primary key,
        task_id text not null references godwit.task on delete cascade,
        at timestamptz not null default clock_timestamp(),
        level text not null check (level in ('debug', 'info', 'warning', 'error')),
        message text not null,
        -- The event that it tells of, for programs.
        event json
      );
      create index on godwit.task_log (task_id, id);
      -- The live figures of the run at work, or of the last one.
      create table godwit.task_progress (
        task_id text primary key references godwit.task on delete cascade,
        progress jsonb not null,
        updated_at timestamptz not null default clock_timestamp()
      );
      -- What its runs have reached, besides the ledgers on the target.
      create table godwit.task_milestone (
        task_id text not null references godwit.task on delete cascade,
        what text not null,
        at timestamptz not null default clock_timestamp(),
        primary key (task_id, what)
      );`,
  },
];
