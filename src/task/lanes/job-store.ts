import { LIVING_EXECUTORS, executorLives } from "../../engine/lease.ts";
import { EXECUTORS, type Subscription } from "../../engine/news.ts";
import type { Secrets } from "../../engine/secrets.ts";
import type { JobResult, LaneDoing, LaneJob, QueuedJob, Stage } from "./lane-job.ts";
import { tablesOf } from "./lane-job.ts";
import type { StoreQueries } from "../store-queries.ts";
import { AT_WORK, type TaskState } from "../states.ts";
import type { TaskError } from "../task-record.ts";

/** A job in the hands of a lane. */
export interface ClaimedJob {
  readonly id: number;
  readonly job: LaneJob;
  /** The lane that had it before, and may have done it: null for none. */
  readonly before: string | null;
  /** Other jobs could begin now. */
  readonly more: boolean;
}

/** What a lane is about. */
export interface LaneState {
  readonly token: string;
  /** Its sessions are open. */
  readonly isConnected: boolean;
  readonly doing: LaneDoing | null;
  readonly error: TaskError | null;
  readonly nextTryAt: Date | null;
}

/** A place for a lane, filled. */
export interface LanePlace extends LaneState {
  readonly number: number;
  readonly executor: string;
}

/** A place that was just taken; `before`: the lane that had it, and whose sessions may still be at work. */
export interface TakenPlace {
  readonly number: number;
  readonly token: string;
  readonly before: string | null;
}

/** What a worker must know of a task whose lanes have work. */
export interface OpenStage {
  readonly taskId: string;
  readonly number: string;
  readonly isCopying: boolean;
  /** Places, and this worker's fair share of them. */
  readonly concurrency: number;
  readonly share: number;
  /** Bytes per second of one lane; null: as fast as it goes. */
  readonly pace: number | null;
  /** Something can begin now. */
  readonly hasReady: boolean;
  /** Tokens of this worker's lanes. */
  readonly mine: readonly { readonly number: number; readonly token: string }[];
}

export interface EndedJob {
  readonly id: number;
  readonly sequence: number;
  readonly state: "done" | "failed";
  readonly result: JobResult | TaskError;
}

/** Lanes begin something in these states of their task only. */
const WORKS = `(${[...AT_WORK, "retrying"].map((state) => `'${state}'`).join(", ")})`;

/** The work of a task's lanes, in the store: who coordinates puts it there, lanes of all workers take it. */
export class JobStore {
  readonly #store: StoreQueries;
  readonly #secrets: Secrets;

  /** Where the store is waited for, what is asked twice is done once. */
  constructor(store: StoreQueries, secrets: Secrets) {
    this.#store = store;
    this.#secrets = secrets;
  }

  /** News of what lanes did, or were asked to do, in a task. */
  ended(taskId: string): Subscription {
    return this.#store.subscribe(`ended ${taskId}`, `place ${taskId}`, `task ${taskId}`);
  }

  /** News of what a worker could do, in any task. */
  toDo(): Subscription {
    return this.#store.subscribe("task", "work", "place", EXECUTORS);
  }

  /** Ends the stage before, with its jobs and lanes, and begins another one. */
  async openStage(taskId: string, stage: Stage): Promise<void> {
    await this.closeStage(taskId);
    await this.#store.query("insert into godwit.task_stage (task_id, spec, is_copying) values ($1, $2, $3) on conflict do nothing", [
      taskId,
      this.#secrets.encrypt(JSON.stringify(stage), taskId),
      stage.snapshot !== undefined,
    ]);
  }

  async closeStage(taskId: string): Promise<void> {
    await this.#store.query("delete from godwit.task_stage where task_id = $1", [taskId]);
    await this.#store.query("delete from godwit.task_job where task_id = $1", [taskId]);
  }

  async readStage(taskId: string, number: string): Promise<Stage | undefined> {
    const [row] = await this.#store.query<{ spec: string }>("select spec from godwit.task_stage where task_id = $1 and number = $2", [taskId, number]);
    return row === undefined ? undefined : (JSON.parse(this.#secrets.decrypt(row.spec, taskId)) as Stage);
  }

  /** The snapshot is not needed any more: lanes let it go. */
  async endCopying(taskId: string): Promise<void> {
    await this.#store.query("update godwit.task_stage set is_copying = false where task_id = $1", [taskId]);
  }

  /** Adds jobs in their order, numbered from `first` on. What waits for data that is no job's may begin at once. */
  async addJobs(taskId: string, jobs: readonly QueuedJob[], first: number): Promise<void> {
    const data = new Set(jobs.flatMap(({ job }) => (job.kind === "copy" ? tablesOf(job.chunk).map(({ oid }) => oid) : [])));
    const hasData = jobs.some(({ job }) => isData(job));
    const rows = jobs.map(({ job, after }, at) => ({
      id: first + at,
      spec: job,
      is_data: isData(job),
      tables: job.kind === "copy" ? tablesOf(job.chunk).map(({ oid }) => oid) : [],
      after: after ?? null,
      state: after === undefined || (after === "all" ? !hasData : !data.has(after)) ? "ready" : "waiting",
    }));
    for (let from = 0; from < rows.length; from += JOBS_PER_STATEMENT) {
      await this.#store.query(
        `insert into godwit.task_job (task_id, id, spec, is_data, tables, after, state)
         select $1, id, spec, is_data, tables, after, state
           from pg_catalog.jsonb_to_recordset($2) as j(id integer, spec jsonb, is_data boolean, tables text[], after text, state text) on conflict do nothing`,
        [taskId, JSON.stringify(rows.slice(from, from + JOBS_PER_STATEMENT))],
      );
    }
  }

  /** What ended after the given sequence, the places that are filled, and the task's state. */
  async look(taskId: string, after: number): Promise<{ readonly ended: EndedJob[]; readonly lanes: LanePlace[]; readonly state: TaskState | undefined }> {
    const [row] = await this.#store.query<{ state: TaskState; ended: EndedJob[] | null; lanes: (Omit<LanePlace, "nextTryAt"> & { nextTryAt: string | null })[] | null }>(
      `select (select state from godwit.task where id = $1) as state,
              (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('id', id, 'sequence', ended, 'state', state, 'result', result) order by ended)
                 from godwit.task_job where task_id = $1 and ended > $2) as ended,
              (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('number', number, 'executor', executor, 'token', token, 'isConnected', is_connected,
                        'doing', doing, 'error', error, 'nextTryAt', next_try_at) order by number)
                 from godwit.task_lane l where task_id = $1 and ${executorLives("l.executor")}) as lanes`,
      [taskId, after],
    );
    const lanes = (row?.lanes ?? []).map((lane) => ({ ...lane, nextTryAt: lane.nextTryAt === null ? null : new Date(lane.nextTryAt) }));
    return { ended: row?.ended ?? [], lanes, state: row?.state };
  }

  /** Jobs of lanes that are gone can be taken again. */
  async freeStranded(taskId: string): Promise<void> {
    await this.#store.query(
      `update godwit.task_job j set state = 'ready' where j.task_id = $1 and j.state = 'claimed'
         and not exists (select from godwit.task_lane l where l.task_id = j.task_id and l.token = j.token and ${executorLives("l.executor")})`,
      [taskId],
    );
  }

  /** Every stage that has work, as one worker sees it. */
  async stages(executor: string): Promise<OpenStage[]> {
    return await this.#store.query<OpenStage>(
      `select s.task_id as "taskId", s.number::text as number, s.is_copying as "isCopying", t.concurrency,
              pg_catalog.ceil(t.concurrency::float8 / greatest(1, ${LIVING_EXECUTORS}))::int as share,
              (t.rate_limit / greatest(1, (select count(*) from godwit.task_job j where j.task_id = s.task_id and j.state = 'claimed' and j.is_data)))::float8 as pace,
              exists (select from godwit.task_job j where j.task_id = s.task_id and j.state = 'ready') as "hasReady",
              coalesce((select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('number', l.number, 'token', l.token) order by l.number)
                          from godwit.task_lane l where l.task_id = s.task_id and l.executor = $1), '[]') as mine
         from godwit.task_stage s join godwit.task t on t.id = s.task_id
        where t.state in ${WORKS}`,
      [executor],
    );
  }

  /** Fills up to so many places that are empty, or whose worker is gone. Two workers that come at once get different ones. */
  async takePlaces(taskId: string, executor: string, wanted: number): Promise<TakenPlace[]> {
    return await this.#store.query(
      `with gone as (select number, token from godwit.task_lane o where o.task_id = $1 and not ${executorLives("o.executor")})
       insert into godwit.task_lane as l (task_id, number, executor, token)
       select $1, n, $2, pg_catalog.substr(pg_catalog.md5(pg_catalog.random()::text || pg_catalog.clock_timestamp()::text), 1, 8)
         from godwit.task t, pg_catalog.generate_series(0, t.concurrency - 1) n
        where t.id = $1 and not exists (select from godwit.task_lane o where o.task_id = $1 and o.number = n and ${executorLives("o.executor")})
        order by n limit $3
       on conflict (task_id, number) do update set executor = excluded.executor, token = excluded.token, is_connected = false, doing = null, error = null, next_try_at = null
         where not ${executorLives("l.executor")}
       returning number, token, (select g.token from gone g where g.number = l.number) as before`,
      [taskId, executor, wanted],
    );
  }

  async leavePlace(taskId: string, token: string): Promise<void> {
    await this.#store.query("delete from godwit.task_lane where task_id = $1 and token = $2", [taskId, token]);
  }

  /** The next job for a lane; undefined when there is none, or none for it. */
  async claim(taskId: string, token: string, stage: string): Promise<ClaimedJob | undefined> {
    const [row] = await this.#store.query<ClaimedJob>(
      `with next as (
         select j.id, j.token as before from godwit.task_job j
          where j.task_id = $1 and (j.state = 'ready' or j.state = 'claimed' and j.token = $2)
            and exists (select from godwit.task_lane l join godwit.task t on t.id = l.task_id join godwit.task_stage s on s.task_id = l.task_id
                         where l.task_id = $1 and l.token = $2 and l.number < t.concurrency and t.state in ${WORKS} and s.number = $3)
          order by j.id limit 1 for update of j skip locked)
       update godwit.task_job j set state = 'claimed', token = $2 from next where j.task_id = $1 and j.id = next.id
       returning j.id, j.spec as job, next.before, exists (select from godwit.task_job o where o.task_id = $1 and o.state = 'ready' and o.id <> j.id) as more`,
      [taskId, token, stage],
    );
    return row;
  }

  /** False when the job is not this lane's any more. */
  async end(taskId: string, id: number, token: string, state: "done" | "failed", result: JobResult | TaskError): Promise<boolean> {
    const [row] = await this.#store.query<{ mine: boolean }>("select godwit.end_job($1, $2, $3, $4, $5) as mine", [taskId, id, token, state, result]);
    return row?.mine === true;
  }

  /** Another lane may have it, or this one again later. */
  async giveBack(taskId: string, id: number, token: string): Promise<void> {
    await this.#store.query("update godwit.task_job set state = 'ready' where task_id = $1 and id = $2 and token = $3 and state = 'claimed'", [taskId, id, token]);
  }

  /** What lanes do, for whoever looks. */
  async tell(lanes: readonly LaneState[]): Promise<void> {
    await this.#store.query(
      `update godwit.task_lane l set is_connected = t."isConnected", doing = t.doing, error = t.error, next_try_at = t."nextTryAt"
         from pg_catalog.jsonb_to_recordset($1) as t(token text, "isConnected" boolean, doing jsonb, error jsonb, "nextTryAt" timestamptz) where l.token = t.token`,
      [JSON.stringify(lanes)],
    );
  }
}

/** Enough for a statement of a megabyte or so. */
const JOBS_PER_STATEMENT = 200;

/** Index builds wait for what brings rows. */
function isData(job: LaneJob): boolean {
  return job.kind === "copy" || job.kind === "largeObjects";
}
