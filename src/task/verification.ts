import { randomBytes } from "node:crypto";
import { setInterval } from "node:timers";
import type { Control } from "../engine/control.ts";
import { type Workflow, isInterruption } from "../engine/workflow.ts";
import { type DescribedError, GodwitError, asGodwitError } from "../errors/godwit-error.ts";
import { type MigrationEvent, newProgress } from "./events.ts";
import { maskEvent } from "./mask-passwords.ts";
import type { StoreQueries } from "./store-queries.ts";
import type { TaskStore } from "./task-store.ts";
import { verifyDatabases } from "./verify-databases.ts";

/** The name under which every worker knows it. */
export const VERIFY_WORKFLOW = "verify";

/** A comparison of both sides of a task, as it was asked for. */
export interface Verification {
  readonly id: string;
  readonly taskId: string;
  readonly state: "waiting" | "running" | "equal" | "different" | "failed" | "cancelled";
  readonly startedBy: string;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly doneTables: number;
  readonly totalTables: number;
  readonly rows: number | null;
  readonly differences: number;
  readonly error: DescribedError | null;
}

/** A table that differs, and keys of rows that do. */
export interface Difference {
  readonly database: string;
  readonly table: string;
  readonly reason: string;
  readonly keys: readonly string[];
}

const COLUMNS = `id, task_id as "taskId", state, started_by as "startedBy", created_at as "createdAt", started_at as "startedAt", ended_at as "endedAt",
  done_tables as "doneTables", total_tables as "totalTables", rows::float8 as rows, differences, error`;
/** More differences than anybody reads. */
const MOST_DIFFERENCES = 1000;
const FIGURES_EVERY_MS = 1000;

/** The comparisons that a store knows. */
export class Verifications {
  readonly #store: StoreQueries;

  constructor(store: StoreQueries) {
    this.#store = store;
  }

  /** Asks for one; a worker does it. Throws `task-unknown`, or `action-refused` while another one of this task goes on. */
  async start(tasks: TaskStore, control: Control, taskId: string, startedBy: string): Promise<Verification> {
    await tasks.find(taskId);
    const made = await this.#store.inTransaction(async (client) => {
      // Two that ask at once come one after the other, and none beside the task's end.
      await client.query("select from godwit.task where id = $1 for update", [taskId]);
      const { rows } = await client.query<Verification>(
        `insert into godwit.verification (id, task_id, started_by) select $1, id, $3 from godwit.task
          where id = $2 and not exists (select from godwit.verification where task_id = $2 and state in ('waiting', 'running')) returning ${COLUMNS}`,
        [randomBytes(5).toString("hex"), taskId, startedBy],
      );
      return rows[0];
    });
    if (made === undefined) await tasks.find(taskId); // deleted meanwhile
    if (made === undefined) throw new GodwitError("action-refused", `task ${taskId} is being compared already`, { object: taskId, advice: "Wait for its end, or stop it." });
    await control.start(VERIFY_WORKFLOW, workflowId(made), [made.id]);
    return made;
  }

  /** A process may die between asking for one and the start of its workflow. */
  async startMissing(control: Control): Promise<void> {
    const open = await this.#store.query<Verification>(`select ${COLUMNS} from godwit.verification where state = 'waiting'`, []);
    for (const one of open) if ((await control.status(workflowId(one))) === undefined) await control.start(VERIFY_WORKFLOW, workflowId(one), [one.id]);
  }

  /** Newest first. */
  async list(taskId: string): Promise<Verification[]> {
    return await this.#store.query<Verification>(`select ${COLUMNS} from godwit.verification where task_id = $1 order by created_at desc limit 100`, [taskId]);
  }

  /** Throws `entry-unknown`. */
  async find(id: string): Promise<Verification> {
    const [found] = await this.#store.query<Verification>(`select ${COLUMNS} from godwit.verification where id = $1`, [id]);
    if (found === undefined) throw new GodwitError("entry-unknown", `no comparison ${id}`, { object: id });
    return found;
  }

  async differences(id: string): Promise<Difference[]> {
    return await this.#store.query<Difference>(`select database, table_name as "table", reason, keys from godwit.difference where verification_id = $1 order by number`, [id]);
  }

  /** What has ended stays as it is. */
  async cancel(control: Control, id: string): Promise<Verification> {
    const found = await this.find(id);
    await this.#store.query("update godwit.verification set state = 'cancelled', ended_at = now() where id = $1 and state in ('waiting', 'running')", [id]);
    await control.cancel([workflowId(found)]);
    return await this.find(id);
  }

  /** A run begins, or begins anew where a worker died. False when it was cancelled. */
  async begin(id: string): Promise<boolean> {
    await this.#store.query("delete from godwit.difference where verification_id = $1", [id]);
    const rows = await this.#store.query(
      "update godwit.verification set state = 'running', started_at = coalesce(started_at, now()), differences = 0 where id = $1 and state in ('waiting', 'running') returning id",
      [id],
    );
    return rows.length > 0;
  }

  async tell(id: string, doneTables: number, totalTables: number): Promise<void> {
    await this.#store.query("update godwit.verification set done_tables = $2, total_tables = $3 where id = $1", [id, doneTables, totalTables]);
  }

  async add(id: string, number: number, { database, table, reason, keys }: Difference): Promise<void> {
    await this.#store.query("insert into godwit.difference (verification_id, number, database, table_name, reason, keys) values ($1, $2, $3, $4, $5, $6) on conflict do nothing", [
      id,
      number,
      database,
      table,
      reason,
      JSON.stringify(keys),
    ]);
    await this.#store.query("update godwit.verification set differences = greatest(differences, $2) where id = $1", [id, number]);
  }

  async end(id: string, end: Pick<Verification, "state"> & Partial<Pick<Verification, "rows" | "differences" | "error" | "doneTables">>): Promise<void> {
    await this.#store.query(
      `update godwit.verification set state = $2, rows = $3, differences = coalesce($4, differences), error = $5, ended_at = now(), done_tables = coalesce($6, done_tables), total_tables = coalesce($6, total_tables)
        where id = $1 and state = 'running'`,
      [id, end.state, end.rows ?? null, end.differences ?? null, end.error ?? null, end.doneTables ?? null],
    );
  }
}

/** Compares both sides of a task on any worker; while the task follows changes only differences that last count (verify-databases.ts). */
export function verifyWorkflow(tasks: TaskStore, verifications: Verifications): Workflow {
  return async (context, id = "") => {
    await context.step("verify", async (signal) => {
      if (!(await verifications.begin(id))) return;
      const { taskId } = await verifications.find(id);
      try {
        await compare(tasks, verifications, id, taskId, signal);
      } catch (error) {
        if (isInterruption(error)) throw error;
        signal.throwIfAborted();
        await verifications.end(id, { state: "failed", error: asGodwitError(error).described() });
      }
    });
  };
}

async function compare(tasks: TaskStore, verifications: Verifications, id: string, taskId: string, signal: AbortSignal): Promise<void> {
  const task = await tasks.find(taskId);
  const progress = newProgress();
  let number = 0;
  let told = Promise.resolve();
  const report = (event: MigrationEvent): void => {
    if (event.event !== "difference" || number >= MOST_DIFFERENCES) return;
    const { database, table, reason, keys } = maskEvent(event);
    const at = ++number;
    told = told.then(async () => await verifications.add(id, at, { database, table, reason, keys }));
    told.catch(() => undefined); // thrown where it is waited for
  };
  const figures = setInterval(() => void verifications.tell(id, progress.doneTables, progress.totalTables).catch(() => undefined), FIGURES_EVERY_MS);
  try {
    const options = { ...task.options, ...(await tasks.endpoints(taskId)), concurrency: task.concurrency };
    const { differences, rows, tables } = await verifyDatabases(options, { report, progress, signal });
    await told;
    await verifications.end(id, { state: differences === 0 ? "equal" : "different", differences, rows, doneTables: tables });
  } finally {
    clearInterval(figures);
  }
}

function workflowId({ id, taskId }: Pick<Verification, "id" | "taskId">): string {
  return `${comparisonsOf(taskId)}${id}`;
}

/** How the ids of the workflows of a task's comparisons begin. */
export function comparisonsOf(taskId: string): string {
  return `verify-${taskId}-`;
}
