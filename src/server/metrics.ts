import { Counter, Gauge, Registry, collectDefaultMetrics } from "prom-client";
import { countExecutors } from "../engine/lease.ts";
import { TASK_STATES } from "../task/states.ts";
import type { Progress, TaskRow } from "./contract/task.ts";
import type { Services } from "./services.ts";
import { taskRowAnswer } from "./task-answers.ts";

/** Tasks that have ended say nothing more. */
const OPEN = TASK_STATES.filter((state) => state !== "succeeded" && state !== "terminated");
const MOST_TASKS = 10_000;

type Figure = (progress: Progress) => number | null | undefined;

/** What is measured of each task that has not ended: name, help, and where it is in its figures. A metric is left out where it was not measured. */
const FIGURES: readonly (readonly [name: string, help: string, figure: Figure])[] = [
  ["godwit_task_rows_per_second", "Rows copied, or changes applied, in the last seconds.", ({ rowsPerSecond }) => rowsPerSecond],
  ["godwit_task_bytes_per_second", "Bytes copied, or received from the stream, in the last seconds.", ({ bytesPerSecond }) => bytesPerSecond],
  ["godwit_task_transactions_per_second", "Source transactions applied in the last seconds.", ({ transactionsPerSecond }) => transactionsPerSecond],
  ["godwit_task_copied_bytes", "Bytes that the run at work has copied.", ({ copiedBytes }) => copiedBytes],
  ["godwit_task_copied_rows", "Rows that the run at work has copied.", ({ copiedRows }) => copiedRows],
  ["godwit_task_copy_ratio", "How much of the data to copy is there, 0 to 1.", ({ percent }) => (percent === null ? null : percent / 100)],
  ["godwit_task_lag_bytes", "WAL between the source and what the target has applied.", ({ stream }) => stream?.lagBytes],
  ["godwit_task_lag_seconds", "Age of the oldest moment of the source that the target has not reached; 0: caught up.", ({ stream }) => stream?.lagSeconds],
  ["godwit_task_slot_retained_bytes", "WAL that the source keeps for the task's slots.", ({ stream }) => stream?.retainedBytes],
  ["godwit_task_skipped_changes", "Changes left out by the policy for conflicts.", ({ stream }) => stream?.skipped],
];

/** The page for Prometheus; read from the store when it is asked for. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #services: Services;
  readonly #tasks: Gauge;
  readonly #workers: Gauge;
  readonly #info: Gauge;
  readonly #retries: Counter;
  readonly #figures: readonly { readonly gauge: Gauge; readonly figure: Figure }[];

  constructor(services: Services) {
    this.#services = services;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#tasks = new Gauge({ name: "godwit_tasks", help: "Tasks in each state.", labelNames: ["state"], registers });
    this.#workers = new Gauge({ name: "godwit_workers", help: "Workers of this store that live.", registers });
    this.#info = new Gauge({ name: "godwit_task_info", help: "1 for each task that has not ended, with where it stands.", labelNames: ["task", "name", "type", "source", "target", "state", "step"], registers });
    this.#retries = new Counter({ name: "godwit_task_retries_total", help: "How often a task met a passing error.", labelNames: ["task"], registers });
    this.#figures = FIGURES.map(([name, help, figure]) => ({ gauge: new Gauge({ name, help, labelNames: ["task"], registers }), figure }));
  } // prettier-ignore

  /** Of Godwit, without those of the process. */
  get names(): string[] {
    return this.#registry.getMetricsAsArray().flatMap(({ name }) => (name.startsWith("godwit_") ? [name] : []));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    const [page, workers, retries] = await Promise.all([
      this.#services.views.page({ states: OPEN, sort: "created", isDescending: true, limit: MOST_TASKS, offset: 0 }),
      countExecutors(this.#services.store),
      this.#services.views.retries(OPEN),
    ]);
    for (const state of TASK_STATES) this.#tasks.set({ state }, page.states[state] ?? 0);
    this.#workers.set(workers);
    this.#info.reset();
    this.#retries.reset();
    for (const { gauge } of this.#figures) gauge.reset();
    for (const { task, figures } of page.tasks) this.#setTask(taskRowAnswer(task, figures));
    for (const { id, count } of retries) this.#retries.inc({ task: id }, count);
    return await this.#registry.metrics();
  }

  #setTask({ id, name, type, source, target, state, step, progress }: TaskRow): void {
    this.#info.set({ task: id, name, type, source, target, state, step: step ?? "" }, 1);
    if (progress === null) return;
    for (const { gauge, figure } of this.#figures) {
      const value = figure(progress);
      if (value !== null && value !== undefined) gauge.set({ task: id }, value);
    }
  }
}
