import { setTimeout as sleep } from "node:timers/promises";
import { fromDescription } from "../../errors/godwit-error.ts";
import { failpoint } from "../../errors/failpoint.ts";
import type { EndedJob, JobStore, LanePlace } from "./job-store.ts";
import type { JobResult, QueuedJob, Stage } from "./lane-job.ts";
import type { MigrationProgress } from "../events.ts";
import type { TaskError } from "../task-record.ts";

/** The store tells when a job has ended; what lanes are doing meanwhile is looked for. */
const LOOK_MS = 1000;
/** Small jobs end by the hundred: while lanes have enough to do, that many milliseconds' results are taken together. */
const GATHER_MS = 50;
/** Jobs of lanes that are gone are freed as often as this. */
const CARE_MS = 1000;
/** Lanes that hang are left behind: they cannot commit. */
const CLOSE_PATIENCE_MS = 5000;
/** A lane whose worker has died tells nothing. */
const CLOSE_LOOK_MS = 100;

/** No lane gets on, and why; they try again. */
export interface Trouble {
  readonly error: TaskError;
  readonly nextTryAt: Date;
  /** Since when no lane gets on, in milliseconds since the epoch. */
  readonly since: number;
}

/** What the crew tells of its troubles: `undefined` when they are over. */
export type OnTrouble = (trouble: Trouble | undefined) => Promise<void>;

/** The lanes of a task, wherever they are, as whoever coordinates sees them: jobs go in, results come out. */
export class Crew implements AsyncDisposable {
  readonly #jobs: JobStore;
  readonly #taskId: string;
  readonly #progress: MigrationProgress;
  readonly #onTrouble: OnTrouble;
  readonly #pause: Pause;
  #isCopying: boolean;
  #next = 0;
  #sequence = 0;
  #troubleSince: number | undefined;

  private constructor({ jobs, taskId, onTrouble, pause }: CrewOptions, isCopying: boolean, progress: MigrationProgress) {
    this.#jobs = jobs;
    this.#taskId = taskId;
    this.#progress = progress;
    this.#onTrouble = onTrouble;
    this.#pause = pause;
    this.#isCopying = isCopying;
  }

  /** From here on lanes may come; those of an earlier run of the task have no work any more. */
  static async open(options: CrewOptions, stage: Stage, progress: MigrationProgress): Promise<Crew> {
    await options.jobs.openStage(options.taskId, stage);
    failpoint("stage opened");
    return new Crew(options, stage.snapshot !== undefined, progress);
  }

  /** Lets lanes do these jobs. Throws the error of the first one that failed; the others are then under way, until the crew is disposed of. */
  async run(queued: readonly QueuedJob[], onDone: (result: JobResult, at: number) => Promise<void> | void, signal: AbortSignal): Promise<void> {
    const first = this.#next;
    this.#next += queued.length;
    await this.#jobs.addJobs(this.#taskId, queued, first);
    failpoint("jobs written");
    using _ = this.#pause.hold(this.#isCopying);
    using news = this.#jobs.ended(this.#taskId);
    let cared = Date.now();
    for (let open = queued.length; open > 0;) {
      signal.throwIfAborted();
      const { ended, lanes, state } = await this.#jobs.look(this.#taskId, this.#sequence);
      this.#show(lanes);
      for (const { id, sequence, state, result } of ended) {
        this.#sequence = sequence;
        if (state === "failed") throw fromDescription(result as Extract<EndedJob["result"], TaskError>);
        open--;
        await onDone(result as JobResult, id - first);
      }
      if (this.#isCopying && state === "pausing" && lanes.length === 0) await this.#pause.paused();
      await this.#judge(lanes);
      if (Date.now() - cared > CARE_MS) {
        await this.#jobs.freeStranded(this.#taskId);
        cared = Date.now();
      }
      if (open > lanes.length) await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined);
      if (open > 0) await news.changed(LOOK_MS, signal);
    }
    this.#progress.lanes.clear();
    await this.#tellOver(); // what lanes tell may be a second old
  }

  async endCopying(): Promise<void> {
    this.#isCopying = false;
    await this.#jobs.endCopying(this.#taskId);
  }

  /** No lane works any more, and none keeps a session. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#progress.lanes.clear();
    using news = this.#jobs.ended(this.#taskId);
    await this.#jobs.closeStage(this.#taskId);
    for (const until = Date.now() + CLOSE_PATIENCE_MS; Date.now() < until;) {
      if ((await this.#jobs.look(this.#taskId, 0)).lanes.length === 0) return;
      await news.changed(CLOSE_LOOK_MS);
    }
  }

  #show(lanes: readonly LanePlace[]): void {
    this.#progress.lanes.clear();
    for (const { number, doing } of lanes) if (doing !== null) this.#progress.lanes.set(number, doing);
  }

  /** One lane in trouble is its own affair while others get on; when none does, the task is told to be trying again. */
  async #judge(lanes: readonly LanePlace[]): Promise<void> {
    const [worst] = lanes.filter(({ error }) => error !== null);
    // A lane without a job is no help.
    const isStuck = worst !== undefined && lanes.every(({ error, doing }) => error !== null || doing === null);
    if (isStuck && worst.error?.code === "snapshot-lost") throw fromDescription(worst.error);
    if (isStuck && worst.error?.code === "fenced") throw fromDescription(worst.error);
    if (isStuck) {
      this.#troubleSince ??= Date.now();
      await this.#onTrouble({ error: worst.error!, nextTryAt: worst.nextTryAt ?? new Date(), since: this.#troubleSince });
    } else await this.#tellOver();
  }

  async #tellOver(): Promise<void> {
    if (this.#troubleSince === undefined) return;
    this.#troubleSince = undefined;
    await this.#onTrouble(undefined);
  }
}

/** How a run is paused in the middle of the copy: it waits, and holds the snapshot, so that what was copied can stay. */
export interface Pause {
  /** While this lasts, a pause does not end the run. */
  hold(isWanted: boolean): Disposable;
  /** All lanes have stopped. */
  paused(): Promise<void>;
}

/** What a task's run brings along for its lanes. */
export interface CrewOptions {
  readonly jobs: JobStore;
  readonly taskId: string;
  readonly onTrouble: OnTrouble;
  readonly pause: Pause;
  /** False: any error ends the run. */
  readonly triesAgain: boolean;
}
