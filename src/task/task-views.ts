import type { CheckItem } from "../precheck/check.ts";
import type { Step } from "./events.ts";
import type { MigrationType } from "../plan/migration-type.ts";
import { TASK_STATES, type TaskState } from "./states.ts";
import type { StoreQueries } from "./store-queries.ts";
import type { StoredProgress } from "./stored-progress.ts";
import type { LogLine, Task } from "./task-record.ts";
import { TASK_COLUMNS, type TaskStoreRow, toTask } from "./task-store.ts";

/** The figures of a task's newest run, and when they were written. */
export interface Figures {
  readonly progress: StoredProgress;
  readonly updatedAt: Date;
}

export interface TaskWithFigures {
  readonly task: Task;
  readonly figures: Figures | undefined;
}

/** How a list of tasks is narrowed, ordered, and cut into pages. */
export interface TaskPage {
  readonly states?: readonly TaskState[] | undefined;
  readonly type?: MigrationType | undefined;
  /** Part of the name, id, source or target. */
  readonly search?: string | undefined;
  /** All of these. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly sort: "created" | "name" | "state";
  readonly isDescending: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** A step of the newest run. */
export interface StepTimes {
  readonly step: Step;
  readonly database: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly seconds: number | null;
}

export interface TableFigures {
  readonly database: string;
  readonly table: string;
  readonly size: number;
  readonly isCopied: boolean;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly seconds: number | null;
}

export interface Sample {
  readonly at: Date;
  readonly bytesPerSecond: number;
  readonly rowsPerSecond: number;
  readonly lagBytes: number | null;
  readonly lagSeconds: number | null;
}

const ORDERS: Readonly<Record<TaskPage["sort"], string>> = { created: "created_at", name: "lower(name)", state: `array_position(array['${TASK_STATES.join("', '")}'], state)` };
const TABLE_ORDERS = { name: "database || '.' || name", size: "size", rows: "rows", seconds: "seconds" } as const;
const LEVELS: readonly LogLine["level"][] = ["debug", "info", "warning", "error"];
/** Where the newest run's part of a log begins: the last state that a run begins in. */
const NEWEST_RUN = `coalesce((select max(s.id) from godwit.task_log s where s.task_id = $1 and s.event->>'event' = 'state' and s.event->>'because' in ('check', 'start', 'resume', 'retry')), 0)`;

/** What a person looks at: pages of tasks, steps, checks, tables, logs, curves. All of it is read from the store alone. */
export class TaskViews {
  readonly #store: StoreQueries;

  constructor(store: StoreQueries) {
    this.#store = store;
  }

  /** One page, with the number of tasks that fit, and how many there are in each state. */
  async page({ states, type, search, tags, sort, isDescending, limit, offset }: TaskPage): Promise<{ total: number; states: Record<string, number>; tasks: TaskWithFigures[] }> {
    const where = `($1::text[] is null or state = any($1)) and ($2::text is null or options->>'type' = $2) and tags @> $3
      and ($4::text is null or strpos(lower(concat_ws(' ', name, id, source, target)), lower($4)) > 0)`;
    const values = [states ?? null, type ?? null, tags ?? {}, search ?? null];
    const direction = isDescending ? "desc" : "asc";
    const [counted, perState, rows] = await Promise.all([
      this.#store.query<{ total: number }>(`select count(*)::int as total from godwit.task where ${where}`, values),
      this.#store.query<{ state: string; count: number }>("select state, count(*)::int as count from godwit.task group by state", []),
      this.#store.query<TaskStoreRow & { progress: StoredProgress | null; updatedAt: Date | null }>(
        `select ${TASK_COLUMNS}, p.progress, p.updated_at as "updatedAt" from godwit.task left join godwit.task_progress p on p.task_id = task.id
          where ${where} order by ${ORDERS[sort]} ${direction}, id limit $5 offset $6`,
        [...values, limit, offset],
      ),
    ]);
    return {
      total: counted[0]?.total ?? 0,
      states: Object.fromEntries(perState.map(({ state, count }) => [state, count])),
      tasks: rows.map(({ progress, updatedAt, ...row }) => ({ task: toTask(row as TaskStoreRow), figures: figuresOf(progress, updatedAt) })),
    };
  }

  /** Undefined before the first run. */
  async figures(id: string): Promise<Figures | undefined> {
    const [row] = await this.#store.query<{ progress: StoredProgress; updatedAt: Date }>(
      `select progress, updated_at as "updatedAt" from godwit.task_progress where task_id = $1`,
      [id],
    );
    return figuresOf(row?.progress ?? null, row?.updatedAt ?? null);
  }

  /** The steps of the newest run, in their order. */
  async steps(id: string): Promise<StepTimes[]> {
    const lines = await this.#store.query<{ at: Date; step: Step; database: string | null; state: "started" | "finished"; seconds: number | null }>(
      `select l.at, l.event->>'step' as step, l.event->>'database' as database, l.event->>'state' as state, (l.event->>'seconds')::float8 as seconds
         from godwit.task_log l where l.task_id = $1 and l.event->>'event' = 'step' and l.id > ${NEWEST_RUN} order by l.id`,
      [id],
    );
    const steps = new Map<string, StepTimes>();
    for (const { at, step, database, state, seconds } of lines) {
      const key = `${step} ${database ?? ""}`;
      const startedAt = state === "started" ? at : (steps.get(key)?.startedAt ?? at);
      steps.set(key, { step, database, startedAt, finishedAt: state === "finished" ? at : null, seconds });
    }
    return [...steps.values()];
  }

  /** What the newest prechecks have said, and when they began; the items come when all checks have answered. Those of what was asked for before (other servers, other objects) count no more. */
  async checks(id: string): Promise<{ checkedAt: Date | null; isRunning: boolean; items: CheckItem[] }> {
    const [last] = await this.#store.query<{ id: string; at: Date }>(
      `select l.id::text, l.at from godwit.task_log l where l.task_id = $1 and l.event->>'event' = 'step' and l.event->>'step' = 'precheck' and l.event->>'state' = 'started'
          and l.id > coalesce((select max(m.id) from godwit.task_log m where m.task_id = $1 and m.event->>'event' = 'modified'), 0) order by l.id desc limit 1`,
      [id],
    );
    if (last === undefined) return { checkedAt: null, isRunning: false, items: [] };
    const rows = await this.#store.query<{ item: CheckItem }>(
      `select l.event->'item' as item from godwit.task_log l where l.task_id = $1 and l.id > $2 and l.event->>'event' = 'check' order by l.id`,
      [id, last.id],
    );
    return { checkedAt: last.at, isRunning: rows.length === 0, items: rows.map(({ item }) => item) };
  }

  /** Tables whose data the task moves; a database's are known from the beginning of its copy. */
  async tables(
    id: string,
    query: { search?: string | undefined; isCopied?: boolean | undefined; sort: keyof typeof TABLE_ORDERS; isDescending: boolean; limit: number; offset: number },
  ): Promise<{ total: number; tables: TableFigures[] }> {
    const where = "task_id = $1 and ($2::text is null or strpos(lower(database || '.' || name), lower($2)) > 0) and ($3::boolean is null or is_copied = $3)";
    const values = [id, query.search ?? null, query.isCopied ?? null];
    const [counted, tables] = await Promise.all([
      this.#store.query<{ total: number }>(`select count(*)::int as total from godwit.task_table where ${where}`, values),
      this.#store.query<TableFigures>(
        `select database, name as "table", size::float8, is_copied as "isCopied", rows::float8, bytes::float8, seconds from godwit.task_table where ${where}
          order by ${TABLE_ORDERS[query.sort]} ${query.isDescending ? "desc nulls last" : "asc nulls last"}, database, name limit $4 offset $5`,
        [...values, query.limit, query.offset],
      ),
    ]);
    return { total: counted[0]?.total ?? 0, tables };
  }

  /** Oldest first: those behind `after`, or the last ones before `before`, or the last of all. */
  async logs(
    id: string,
    query: { after?: string | undefined; before?: string | undefined; level: LogLine["level"]; search?: string | undefined; limit: number },
  ): Promise<LogLine[]> {
    const forward = query.after !== undefined;
    const lines = await this.#store.query<LogLine>(
      `select id::text, at, level, message, event from godwit.task_log l
        where task_id = $1 and level = any($2) and ($3::bigint is null or l.id > $3) and ($4::bigint is null or l.id < $4)
          and ($5::text is null or strpos(lower(message), lower($5)) > 0)
        order by l.id ${forward ? "asc" : "desc"} limit $6`,
      [id, LEVELS.slice(LEVELS.indexOf(query.level)), query.after ?? null, query.before ?? null, query.search ?? null, query.limit],
    );
    return forward ? lines : lines.reverse();
  }

  /** How often tasks in these states have met a passing error. */
  async retries(states: readonly TaskState[]): Promise<{ id: string; count: number }[]> {
    return await this.#store.query<{ id: string; count: number }>(
      `select t.id, count(l.id)::int as count
         from godwit.task t left join godwit.task_log l on l.task_id = t.id and l.event->>'event' = 'state' and l.event->>'because' = 'interrupted'
        where t.state = any($1) group by t.id`,
      [states],
    );
  }

  /** The curves of the last minutes, in at most `most` moments: means of rates, the worst lag. */
  async history(id: string, minutes: number, most: number): Promise<Sample[]> {
    return await this.#store.query<Sample>(
      `select max(at) as at, avg(bytes_per_second) as "bytesPerSecond", avg(rows_per_second) as "rowsPerSecond", max(lag_bytes)::float8 as "lagBytes", max(lag_seconds) as "lagSeconds"
         from (select *, ntile($3) over (order by at) as part from godwit.task_sample where task_id = $1 and at > now() - make_interval(mins => $2)) s group by part order by 1`,
      [id, minutes, most],
    );
  }
}

function figuresOf(progress: StoredProgress | null, updatedAt: Date | null): Figures | undefined {
  return progress === null || updatedAt === null ? undefined : { progress, updatedAt };
}
