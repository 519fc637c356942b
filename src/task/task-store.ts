import { randomBytes } from "node:crypto";
import type { PoolClient } from "pg";
import { ADVISORY_LOCKS } from "../engine/advisory-locks.ts";
import type { Subscription } from "../engine/news.ts";
import type { Secrets } from "../engine/secrets.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { failpoint } from "../errors/failpoint.ts";
import { JobStore } from "./lanes/job-store.ts";
import type { MigrationProgress } from "./events.ts";
import type { PlannedTable } from "./migrate.ts";
import { maskPasswords } from "./mask-passwords.ts";
import type { Rates } from "./rate-meter.ts";
import type { AcceptedAlarm, LogLine, NewLogLine, NewTask, StateEvent, Task, TaskChange, TaskError, TaskFilter, TaskSettings } from "./task-record.ts";
import type { StoreQueries } from "./store-queries.ts";
import { type StoredProgress, fromStored, toStored } from "./stored-progress.ts";
import { type Failure, type Milestone, type TaskMemory, memoryOf } from "./task-memory.ts";
import { BEGINS_RUN, type Standing, type TaskEvent, type WorkState, allowedActions, isEnded, next } from "./states.ts";

const DEFAULT_CONCURRENCY = 4;
const LONGEST_NAME = 200;

/** What `toTask` reads of godwit.task. */
export const TASK_COLUMNS = `id, name, source, target, options, tags, state, before_state as "before", step, only_check as "onlyCheck", accepted, run, is_held as "isHeld", concurrency, rate_limit::float8 as "rateLimit",
  scheduled_at as "scheduledAt", error, next_try_at as "nextTryAt", summary, created_at as "createdAt", started_at as "startedAt", ended_at as "endedAt"`;

export type TaskStoreRow = Omit<Task, "allowedActions" | "before"> & { readonly before: WorkState | null };

/** The tasks of a store that was migrated (STORE_MIGRATIONS). Throws `task-unknown` where an id names none. */
export class TaskStore {
  readonly #store: StoreQueries;
  readonly #secrets: Secrets;

  constructor(store: StoreQueries, secrets: Secrets) {
    this.#store = store;
    this.#secrets = secrets;
  }

  /** The same tasks, for work that must outlive a restart of the store. */
  patient(until: AbortSignal): TaskStore {
    return new TaskStore(this.#store.patient(until), this.#secrets);
  }

  /** The work of their lanes, in the same store. */
  jobs(): JobStore {
    return new JobStore(this.#store, this.#secrets);
  }

  /** News of a task: its state and its limits. */
  changes(id: string): Subscription {
    return this.#store.subscribe(`task ${id}`);
  }

  async create(request: NewTask): Promise<Task> {
    return await this.#store.inTransaction(async (client) => await this.#insert(client, request));
  }

  /** The newest task between the two databases that has not ended, which is the one to go on with; or a new one. Two processes that ask at once get the same. */
  async unfinishedOrNew(request: NewTask): Promise<{ readonly task: Task; readonly isNew: boolean }> {
    const pair = [describeEndpoint(request.options.source), describeEndpoint(request.options.target)];
    return await this.#store.inTransaction(async (client) => {
      await client.query("select pg_advisory_xact_lock($1, hashtext($2))", [ADVISORY_LOCKS.pair, pair.join(" ")]);
      const { rows } = await client.query<TaskStoreRow>(`select ${TASK_COLUMNS} from godwit.task where source = $1 and target = $2 order by created_at desc`, pair);
      const found = rows.map(toTask).find(({ state }) => !isEnded(state));
      return found === undefined ? { task: await this.#insert(client, request), isNew: true } : { task: found, isNew: false };
    });
  }

  async #insert(client: PoolClient, { name, options: given, tags = {}, scheduledAt, rateLimit, retryForMs, accepted = [] }: NewTask): Promise<Task> {
    const { source, target, concurrency, ...options } = given;
    const id = randomBytes(5).toString("hex");
    const { rows } = await client.query<TaskStoreRow>(
      `insert into godwit.task (id, name, source, target, options, endpoints, tags, concurrency, rate_limit, scheduled_at, accepted) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning ${TASK_COLUMNS}`,
      [
        id,
        name ?? defaultName(source, target),
        describeEndpoint(source),
        describeEndpoint(target),
        { ...options, retryForMs },
        this.#secrets.encrypt(JSON.stringify({ source, target }), id),
        tags,
        concurrency ?? DEFAULT_CONCURRENCY,
        rateLimit ?? null,
        scheduledAt ?? null,
        JSON.stringify(accepted),
      ],
    );
    return toTask(rows[0]!);
  }

  async find(id: string): Promise<Task> {
    const [row] = await this.#store.query<TaskStoreRow>(`select ${TASK_COLUMNS} from godwit.task where id = $1`, [id]);
    return toTask(row ?? unknown(id));
  }

  /** The task whose id begins so. Throws `usage` when several do. */
  async findByPrefix(prefix: string): Promise<Task> {
    if (prefix === "") unknown("without an id");
    const rows = await this.#store.query<TaskStoreRow>(`select ${TASK_COLUMNS} from godwit.task where left(id, length($1)) = $1 order by id limit 4`, [prefix]);
    if (rows.length > 1) {
      throw new GodwitError("usage", `several tasks begin with ${prefix}: ${rows.map(({ id }) => id).join(", ")}`, { object: prefix, advice: "Give more of the id." });
    }
    return toTask(rows[0] ?? unknown(prefix));
  }

  /** Newest first. */
  async list({ states, tags = {} }: TaskFilter = {}): Promise<Task[]> {
    const rows = await this.#store.query<TaskStoreRow>(
      `select ${TASK_COLUMNS} from godwit.task where ($1::text[] is null or state = any($1)) and tags @> $2 order by created_at desc, id`,
      [states ?? null, tags],
    );
    return rows.map(toTask);
  }

  /**
   * Asks for something else, or with other passwords, before the next run; what `request` leaves out stays. `check` sees the task as it stands at this moment, and may
   * throw. Other servers or objects are another question: what was checked and accepted before counts no more.
   */
  async replace(id: string, request: NewTask, check: (task: Task) => void = () => undefined): Promise<Task> {
    const { source, target, concurrency, ...options } = request.options;
    const { name, tags, rateLimit, retryForMs, scheduledAt, accepted = [] } = request;
    const [kept, shownSource, shownTarget] = [{ ...options, retryForMs }, describeEndpoint(source), describeEndpoint(target)];
    const replaced = await this.#store.inTransaction(async (client) => {
      check(await lockTask(client, id));
      const { rows: compared } = await client.query<{ isOther: boolean }>(
        `select source <> $2 or target <> $3 or options - 'retryForMs' <> $4::jsonb - 'retryForMs' as "isOther" from godwit.task where id = $1`,
        [id, shownSource, shownTarget, kept],
      );
      const isOther = compared[0]!.isOther;
      // A run that waits for its time stays: it reads all of this when it is due. Where none is at work, the task is as new.
      const isAnew = "$11 and started_at is null and (state in ('checkFailed', 'failed') or (state = 'checkPassed' and only_check))";
      const { rows } = await client.query<TaskStoreRow>(
        `update godwit.task set source = $2, target = $3, options = $4, endpoints = $5, concurrency = coalesce($6, concurrency), name = coalesce($7, name), tags = coalesce($8, tags),
           rate_limit = case when $12 then $9 else rate_limit end, scheduled_at = case when $13 then $10 else scheduled_at end, only_check = only_check and state = 'checkPassed' and not $11, changed_at = now(), accepted = case when $11 then '[]' else accepted end,
           state = case when ${isAnew} then 'draft' else state end, before_state = case when ${isAnew} then null else before_state end,
           step = case when ${isAnew} then null else step end, error = case when ${isAnew} then null else error end
         where id = $1 returning ${TASK_COLUMNS}`,
        [
          id, shownSource, shownTarget, kept, this.#secrets.encrypt(JSON.stringify({ source, target }), id), concurrency ?? null, name ?? null, tags ?? null,
          rateLimit ?? null, scheduledAt ?? null, isOther, rateLimit !== undefined, scheduledAt !== undefined,
        ],
      ); // prettier-ignore
      if (isOther) {
        await client.query("insert into godwit.task_log (task_id, level, message, event) values ($1, 'info', $2, $3)", [
          id,
          `something else is asked for: ${shownSource}, ${shownTarget}`,
          { event: "modified" },
        ]);
      }
      return toTask(rows[0]!);
    });
    return accepted.length > 0 ? await this.accept(id, accepted) : replaced;
  }

  /** Throws `secret-key-wrong` when they were sealed with another key. */
  async endpoints(id: string): Promise<{ readonly source: Endpoint; readonly target: Endpoint }> {
    const [row] = await this.#store.query<{ endpoints: string }>("select endpoints from godwit.task where id = $1", [id]);
    return JSON.parse(this.#secrets.decrypt((row ?? unknown(id)).endpoints, id)) as { source: Endpoint; target: Endpoint };
  }

  /**
   * Moves a task to where the event leads, with one line in its log. Two that come at once are taken one after the other.
   * Throws `action-refused`, with the actions that are allowed, when the state does not know this event. `check` sees the task as it stands at this moment, and may throw.
   */
  async apply(id: string, event: Exclude<TaskEvent, "delete">, given: TaskChange = {}, check: (task: Task) => void = () => undefined): Promise<Task> {
    const change = { ...given, ...(given.error ? { error: masked(given.error) } : {}) };
    let seen: Standing | undefined;
    const moved = await this.#store.inTransaction(async (client) => {
      const task = await lockTask(client, id);
      // The store went away before it could say that it is done.
      if (seen !== undefined && next(task, event) === undefined && next(seen, event)?.state === task.state) return task;
      seen = task;
      check(task);
      const to = next(task, event) ?? refuse(task, event);
      const { rows } = await client.query<TaskStoreRow>(
        `update godwit.task set state = $2, before_state = $3, run = run + $4, is_held = $12, changed_at = now(),
           step = case when $5 then $6 else step end, error = case when $7 then $8::jsonb else error end, next_try_at = $9,
           started_at = case when $10 then coalesce(started_at, now()) else started_at end, ended_at = case when $11 then now() end,
           summary = coalesce($13, summary), only_check = coalesce($14, only_check)
         where id = $1 returning ${TASK_COLUMNS}`,
        [
          id, to.state, to.before ?? null, BEGINS_RUN.has(event) && !(event === "resume" && task.isHeld) ? 1 : 0,
          change.step !== undefined, change.step ?? null, change.error !== undefined, change.error ?? null, change.nextTryAt ?? null,
          to.state === "preparing", isEnded(to.state), change.isHeld ?? false, change.summary ?? null,
          event === "check" ? true : event === "start" ? false : null,
        ],
      ); // prettier-ignore
      const level = event === "failed" || event === "checksFailed" ? "error" : event === "interrupted" ? "warning" : "info";
      const why = change.error === undefined || change.error === null ? "" : `: ${change.error.message}`;
      await client.query("insert into godwit.task_log (task_id, level, message, event) values ($1, $2, $3, $4)", [
        id,
        level,
        `${event}: ${task.state} → ${to.state}${why}`,
        {
          event: "state", from: task.state, to: to.state, because: event,
          ...(change.error ? { error: change.error } : {}),
          ...(change.nextTryAt ? { nextTryAt: change.nextTryAt.toISOString() } : {}),
        } satisfies StateEvent, // prettier-ignore
      ]);
      return toTask(rows[0]!);
    });
    failpoint("state changed");
    return moved;
  }

  /** The run that held a paused task ends: resuming it begins another one. False when it is not paused any more. */
  async letGo(id: string, run: number): Promise<boolean> {
    const rows = await this.#store.query("update godwit.task set is_held = false where id = $1 and run = $2 and state = 'paused' returning id", [id, run]);
    return rows.length > 0;
  }

  /** A run has ended, but not its work (its worker or the store broke in a way that nobody foresaw): another run begins. */
  async runAgain(id: string, run: number): Promise<Task | undefined> {
    const [row] = await this.#store.query<TaskStoreRow>(`update godwit.task set run = run + 1 where id = $1 and run = $2 returning ${TASK_COLUMNS}`, [id, run]);
    return row === undefined ? undefined : toTask(row);
  }

  /** Lanes follow; the names of tags that are there already get the new values, and go with null. */
  async set(id: string, change: TaskSettings): Promise<Task> {
    const [row] = await this.#store.query<TaskStoreRow>(
      `update godwit.task set concurrency = coalesce($2, concurrency), rate_limit = case when $3 then $4 else rate_limit end, tags = jsonb_strip_nulls(tags || coalesce($5::jsonb, '{}')), name = coalesce($6, name), changed_at = now()
        where id = $1 returning ${TASK_COLUMNS}`,
      [id, change.concurrency ?? null, change.rateLimit !== undefined, change.rateLimit ?? null, change.tags ?? null, change.name ?? null],
    );
    return toTask(row ?? unknown(id));
  }

  /**
   * Remembers whose alarms were accepted, by whom and when, in the task and in its log. What was said of the same check before is replaced. Throws `action-refused` for a
   * task that has ended; `check` sees the task as it stands at this moment, and may throw.
   */
  async accept(id: string, alarms: readonly AcceptedAlarm[], check: (task: Task) => void = () => undefined): Promise<Task> {
    const task = await this.#store.inTransaction(async (client) => {
      const found = await lockTask(client, id);
      check(found);
      if (isEnded(found.state)) throw new GodwitError("action-refused", `task ${id} is ${found.state}: what was accepted for it changes no more`, { object: id });
      const { rows } = await client.query<TaskStoreRow>(
        `update godwit.task set changed_at = now(),
         accepted = (select coalesce(jsonb_agg(a), '[]') from jsonb_array_elements(accepted) a where not (a->>'check' = any ($3))) || $2::jsonb where id = $1 returning ${TASK_COLUMNS}`,
        [id, JSON.stringify(alarms), alarms.map((alarm) => alarm.check)],
      );
      return toTask(rows[0]!);
    });
    for (const alarm of alarms) await this.log(id, "info", `alarms of ${alarm.check} are accepted by ${alarm.by}`);
    return task;
  }

  async log(id: string, level: LogLine["level"], message: string, event: unknown = null): Promise<void> {
    await this.logAll(id, [{ at: new Date(), level, message, event }]);
  }

  /** Many lines at once, in this order. */
  async logAll(id: string, lines: readonly NewLogLine[]): Promise<void> {
    await this.#store.query(
      `with given as (select l, n from json_array_elements($2) with ordinality as lines (l, n)), copied as (
         update godwit.task_table t set is_copied = true, rows = (l->'event'->>'rows')::bigint, bytes = (l->'event'->>'bytes')::bigint, seconds = (l->'event'->>'seconds')::float8
           from given where l->'event'->>'event' = 'table' and t.task_id = $1 and t.database = l->'event'->>'database' and t.name = l->'event'->>'table')
       insert into godwit.task_log (task_id, at, level, message, event)
       select $1, (l->>'at')::timestamptz, l->>'level', l->>'message', nullif(l->>'event', 'null')::json from given order by n`,
      [id, JSON.stringify(lines)],
    );
  }

  /** The tables whose data a run is about to bring; those of the same database that an earlier run has planned are replaced, what it has copied stays known. */
  async planTables(id: string, database: string, tables: readonly PlannedTable[]): Promise<void> {
    await this.#store.query(
      `with given as (select * from json_to_recordset($3) as g (name text, size bigint, "isCopied" boolean)), gone as (
         delete from godwit.task_table t where t.task_id = $1 and t.database = $2 and not exists (select from given where given.name = t.name))
       insert into godwit.task_table as t (task_id, database, name, size, is_copied) select $1, $2, name, size, "isCopied" from given
       on conflict (task_id, database, name) do update set size = excluded.size, is_copied = excluded.is_copied,
         rows = case when excluded.is_copied then t.rows end, bytes = case when excluded.is_copied then t.bytes end, seconds = case when excluded.is_copied then t.seconds end`,
      [id, database, JSON.stringify(tables)],
    );
  }

  /** The figures of the run at work, for every process to show; every few seconds they are kept for curves, too, for a day. */
  async saveProgress(id: string, progress: MigrationProgress, rates: Rates): Promise<void> {
    const { stream } = progress;
    await this.#store.query(
      `with sampled as (
         insert into godwit.task_sample (task_id, bytes_per_second, rows_per_second, transactions_per_second, lag_bytes, lag_seconds, retained_bytes)
         select $1, $3, $4, $5, $6, $7, $8
          where not exists (select from godwit.task_sample where task_id = $1 and at > clock_timestamp() - interval '1900 ms')), old as (
         delete from godwit.task_sample where task_id = $1 and at < clock_timestamp() - interval '1 day')
       insert into godwit.task_progress (task_id, progress) values ($1, $2)
       on conflict (task_id) do update set progress = excluded.progress, updated_at = clock_timestamp()`,
      [
        id, toStored(progress, rates), rates.bytesPerSecond, rates.rowsPerSecond, rates.transactionsPerSecond,
        stream?.lagBytes ?? null, stream?.lagSeconds ?? null, stream?.retainedBytes ?? null,
      ],
    ); // prettier-ignore
  }

  /** Undefined before the first run. */
  async progress(id: string): Promise<MigrationProgress | undefined> {
    const [row] = await this.#store.query<{ progress: StoredProgress }>("select progress from godwit.task_progress where task_id = $1", [id]);
    return row === undefined ? undefined : fromStored(row.progress);
  }

  /** What earlier runs of a task have reached; more is kept as it is reached. */
  async memory(id: string): Promise<TaskMemory> {
    const rows = await this.#store.query<{ what: Milestone; value: unknown }>("select what, value from godwit.task_milestone where task_id = $1 order by at", [id]);
    const keep = async (what: Milestone, value: unknown): Promise<void> => {
      const kept = [id, what, value === undefined ? null : JSON.stringify(value)];
      await this.#store.query("insert into godwit.task_milestone (task_id, what, value) values ($1, $2, $3) on conflict do nothing", kept);
    };
    return memoryOf(id, new Map(rows.map(({ what, value }) => [what, value])), keep, await this.#lastFailure(id));
  }

  /** By the log: the task's own record forgets its error when it is retried. */
  async #lastFailure(id: string): Promise<Failure | undefined> {
    const [row] = await this.#store.query<Failure>(
      `select l.id::text, event->'error'->>'message' as message from godwit.task_log l
        where task_id = $1 and event->>'event' in ('check', 'step', 'state') and event->>'because' = 'failed' order by l.id desc limit 1`,
      [id],
    );
    return row;
  }

  /** Lines behind the one with the id `after`, oldest first; those of level debug only when asked for. */
  async logs(id: string, { after = "0", limit = 1000, debug = false }: { readonly after?: string; readonly limit?: number; readonly debug?: boolean } = {}): Promise<LogLine[]> {
    const lines = await this.#store.query<LogLine>(
      `select id::text, at, level, message, event from godwit.task_log l where task_id = $1 and l.id > $2 and (level <> 'debug' or $4) order by l.id limit $3`,
      [id, after, limit, debug],
    );
    if (lines.length === 0 && after === "0") await this.find(id);
    return lines;
  }

  /** The id of the last line of all; "0" when there is none. */
  async endOfLog(id: string): Promise<string> {
    const [row] = await this.#store.query<{ last: string }>("select coalesce(max(l.id), 0)::text as last from godwit.task_log l where task_id = $1", [id]);
    return row!.last;
  }

  /** Throws `action-refused` unless the task has ended. */
  async delete(id: string): Promise<void> {
    await this.#store.inTransaction(async (client) => {
      const task = await lockTask(client, id);
      if (next(task, "delete") === undefined) refuse(task, "delete");
      await client.query("delete from godwit.task where id = $1", [id]);
    });
  }

  /** Ended tasks and their logs go after a while. Returns the ids of those that went. */
  async deleteEndedBefore(moment: Date): Promise<string[]> {
    const rows = await this.#store.query<{ id: string }>("delete from godwit.task where ended_at < $1 returning id", [moment]);
    return rows.map(({ id }) => id);
  }
}

async function lockTask(client: PoolClient, id: string): Promise<Task> {
  const { rows } = await client.query<TaskStoreRow>(`select ${TASK_COLUMNS} from godwit.task where id = $1 for update`, [id]);
  return toTask(rows[0] ?? unknown(id));
}

/** A row of godwit.task as people know it. */
export function toTask({ before, ...row }: TaskStoreRow): Task {
  const standing: Standing = before === null ? { state: row.state } : { state: row.state, before };
  return { ...row, ...standing, allowedActions: allowedActions(standing) };
}

/** Servers quote what they were told, a connection string of a subscription for example. */
function masked(error: TaskError): TaskError {
  return { ...error, message: maskPasswords(error.message), advice: maskPasswords(error.advice) };
}

/** Within what a name that somebody gives may be: databases and hosts may be longer, and hold line breaks. */
function defaultName(source: Endpoint, target: Endpoint): string {
  const name = `${source.database} → ${target.host}/${target.database}`.replaceAll(/\p{Cc}/gu, " ");
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1).toWellFormed()}…`;
}

function unknown(id: string): never {
  throw new GodwitError("task-unknown", `no task ${id}`, { object: id });
}

function refuse(task: Task, event: TaskEvent): never {
  const allowed = task.allowedActions.length === 0 ? "nothing" : task.allowedActions.join(", ");
  throw new GodwitError("action-refused", `task ${task.id} is ${task.state}, where ${event} is not possible; allowed: ${allowed}`, { object: task.id });
}
