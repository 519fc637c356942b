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
        -- Paused, with a run that holds its snapshot.
        is_held boolean not null default false,
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
  {
    name: "work that the lanes of several workers share",
    sql: `
      -- The database that a task's lanes work on at the moment.
      create table godwit.task_stage (
        task_id text primary key references godwit.task on delete cascade,
        -- A new one for each database and each run.
        number bigint generated always as identity,
        -- The snapshot is wanted still.
        is_copying boolean not null default true,
        -- What a lane must know, with endpoints: sealed.
        spec text not null,
        -- How many jobs have ended: each gets the next number, so that whoever follows sees each once.
        ended integer not null default 0
      );
      create table godwit.task_job (
        task_id text not null references godwit.task on delete cascade,
        id integer not null,
        spec jsonb not null,
        is_data boolean not null,
        -- The tables (oids at the source) that a data job brings.
        tables text[] not null default '{}',
        -- It may begin when this table, or 'all' data, is there.
        after text,
        state text not null check (state in ('waiting', 'ready', 'claimed', 'done', 'failed')),
        -- The lane that has it, or had it last.
        token text,
        ended integer,
        result jsonb,
        primary key (task_id, id)
      );
      create index on godwit.task_job (task_id, id) where state = 'ready';
      create index on godwit.task_job (task_id, after) where state = 'waiting';
      create index on godwit.task_job (task_id) where is_data and state <> 'done';
      create index on godwit.task_job (task_id, ended);
      create index on godwit.task_job using gin (tables) where is_data;
      -- A task has as many places for lanes as its concurrency; whoever fills a place may work.
      create table godwit.task_lane (
        task_id text not null references godwit.task on delete cascade,
        number integer not null,
        executor text not null,
        token text not null unique,
        -- Its sessions are open.
        is_connected boolean not null default false,
        doing jsonb,
        -- Why it waits to try again.
        error jsonb,
        next_try_at timestamptz,
        primary key (task_id, number)
      );
      -- Ends a job and lets begin what waited for it; false when the lane does not have it any more. One at a time per task, or two lanes
      -- that end the last two parts of a table would each see the other's part missing.
      create function godwit.end_job(task text, job integer, lane text, outcome text, what jsonb) returns boolean language plpgsql as $$
      declare
        brought text[];
        sequence integer;
      begin
        perform from godwit.task_stage where task_id = task for update;
        update godwit.task_stage s set ended = s.ended + 1 from godwit.task_job j
          where s.task_id = task and j.task_id = task and j.id = job and j.token = lane and j.state = 'claimed' returning s.ended into sequence;
        if sequence is null then return false; end if;
        update godwit.task_job j set state = outcome, result = what, ended = sequence where j.task_id = task and j.id = job returning j.tables into brought;
        if outcome <> 'done' then return true; end if;
        update godwit.task_job w set state = 'ready'
          where w.task_id = task and w.state = 'waiting' and w.after = any (brought)
            and not exists (select from godwit.task_job d where d.task_id = task and d.is_data and d.state <> 'done' and d.tables @> array[w.after]);
        if not exists (select from godwit.task_job d where d.task_id = task and d.is_data and d.state <> 'done') then
          update godwit.task_job w set state = 'ready' where w.task_id = task and w.state = 'waiting';
        end if;
        return true;
      end $$;`,
  },
  {
    name: "runs that only check",
    sql: `
      -- Its checks are all that was asked for: whoever goes on with a run, after a pause, a failure or a death, does no more either.
      alter table godwit.task add column only_check boolean not null default false;`,
  },
  {
    name: "what milestones have moved",
    sql: `
      -- What the summary tells of it, also when a later run has to.
      alter table godwit.task_milestone add column value jsonb;`,
  },
  {
    name: "news of what changes, for every process that listens",
    sql: `
      -- A topic and a task's id; what one transaction tells twice is told once. https://www.postgresql.org/docs/current/sql-notify.html
      create function godwit.tell(topic text, task text) returns void language sql as $$ select pg_catalog.pg_notify('godwit', topic || ' ' || task) $$;
      create function godwit.tell_of_task() returns trigger language plpgsql as $$ begin perform godwit.tell('task', new.id); return null; end $$;
      create trigger news after insert or update of state, run, is_held, concurrency, rate_limit on godwit.task
        for each row execute function godwit.tell_of_task();
      -- Its arguments: the topic. Work that can begin, work that has ended, a place that is empty.
      create function godwit.tell_of_work() returns trigger language plpgsql as $$ begin
        perform godwit.tell(tg_argv[0], case tg_op when 'DELETE' then old.task_id else new.task_id end); return null; end $$;
      create trigger news after insert or delete or update of is_copying on godwit.task_stage for each row execute function godwit.tell_of_work('work');
      create trigger news after delete on godwit.task_lane for each row execute function godwit.tell_of_work('place');
      create trigger ready after insert or update of state on godwit.task_job for each row when (new.state = 'ready') execute function godwit.tell_of_work('work');
      create trigger ended after update of state on godwit.task_job for each row when (new.state in ('done', 'failed')) execute function godwit.tell_of_work('ended');`,
  },
  {
    name: "alarms that were accepted",
    sql: `
      -- [{check, by, at}]
      alter table godwit.task add column accepted jsonb not null default '[]';`,
  },
  {
    name: "figures over time and per table, for whoever watches",
    sql: `
      create table godwit.task_sample (
        task_id text not null references godwit.task on delete cascade,
        at timestamptz not null default clock_timestamp(),
        -- Copied, or received from the stream; rows copied, or changes applied.
        bytes_per_second float8 not null,
        rows_per_second float8 not null,
        transactions_per_second float8 not null,
        lag_bytes bigint,
        lag_seconds float8,
        retained_bytes bigint,
        primary key (task_id, at)
      );
      -- Tables whose data a task moves.
      create table godwit.task_table (
        task_id text not null references godwit.task on delete cascade,
        database text not null,
        name text not null,
        -- Heap and TOAST at the source when it was planned, in bytes.
        size bigint not null,
        is_copied boolean not null,
        rows bigint,
        bytes bigint,
        seconds float8,
        primary key (task_id, database, name)
      );
      -- Checks, steps and states among thousands of lines.
      create index on godwit.task_log (task_id, id) where event->>'event' in ('check', 'step', 'state');`,
  },
  {
    name: "comparisons that a task is asked for",
    sql: `
      create table godwit.verification (
        id text primary key,
        task_id text not null references godwit.task on delete cascade,
        state text not null default 'waiting' check (state in ('waiting', 'running', 'equal', 'different', 'failed', 'cancelled')),
        started_by text not null,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        ended_at timestamptz,
        done_tables integer not null default 0,
        total_tables integer not null default 0,
        rows bigint,
        differences integer not null default 0,
        error jsonb
      );
      create index on godwit.verification (task_id, created_at);
      create table godwit.difference (
        verification_id text not null references godwit.verification on delete cascade,
        number integer not null,
        database text not null,
        table_name text not null,
        reason text not null,
        keys jsonb not null,
        primary key (verification_id, number)
      );
      create trigger news after insert or update of state on godwit.verification for each row execute function godwit.tell_of_work('verification');`,
  },
  {
    name: "who may ask the server",
    sql: `
      create table godwit.account (
        name text primary key,
        role text not null check (role in ('viewer', 'operator', 'admin')),
        -- argon2id, with its parameters and salt.
        password text not null,
        is_disabled boolean not null default false,
        created_at timestamptz not null default now(),
        last_login_at timestamptz
      );
      -- Cookies, tokens and the set-up link are kept as SHA-256: whoever reads the store cannot use them.
      create table godwit.session (
        hash bytea primary key,
        account text not null references godwit.account on delete cascade on update cascade,
        csrf_token text not null,
        created_at timestamptz not null default now(),
        used_at timestamptz not null default now()
      );
      create index on godwit.session (account);
      create table godwit.token (
        id text primary key,
        name text not null,
        role text not null check (role in ('viewer', 'operator', 'admin')),
        hash bytea not null unique,
        created_by text not null,
        created_at timestamptz not null default now(),
        used_at timestamptz,
        expires_at timestamptz
      );
      create table godwit.setup_link (
        is_only boolean primary key default true check (is_only),
        hash bytea not null,
        created_at timestamptz not null default now()
      );
      create table godwit.audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        who text not null,
        address text not null,
        action text not null,
        object text,
        -- done, or the code of the error.
        outcome text not null,
        detail text
      );`,
  },
  {
    name: "who is told of trouble",
    sql: `
      create table godwit.webhook (
        id text primary key,
        name text not null,
        -- Addresses may hold a secret: sealed.
        url text not null,
        host text not null,
        is_enabled boolean not null,
        on_failed boolean not null,
        on_retrying boolean not null,
        lag_seconds float8,
        retained_bytes bigint,
        created_at timestamptz not null default now(),
        last_at timestamptz,
        last_outcome text
      );
      -- What somebody was told already and still holds.
      create table godwit.alert (
        webhook_id text not null references godwit.webhook on delete cascade,
        task_id text not null references godwit.task on delete cascade,
        what text not null,
        at timestamptz not null default clock_timestamp(),
        primary key (webhook_id, task_id, what)
      );`,
  },
  {
    name: "who tells",
    sql: `
      -- The server that sends to this address, until then; it says so again and again.
      alter table godwit.webhook add sender text, add sender_until timestamptz;`,
  },
];
