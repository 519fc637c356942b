import { setTimeout as sleep } from "node:timers/promises";
import { Ledger, endSessions, sessionName } from "../../copy/ledger.ts";
import { openUnderSnapshot } from "../../copy/snapshot.ts";
import { GodwitError, asGodwitError } from "../../errors/godwit-error.ts";
import { patiently } from "../../errors/patiently.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { type Failpoint, failpoint } from "../../errors/failpoint.ts";
import type { ClaimedJob, JobStore, LaneState, OpenStage, TakenPlace } from "./job-store.ts";
import type { LaneDoing, LaneJob, Stage } from "./lane-job.ts";
import { runLaneJob } from "./run-lane-job.ts";
import type { TaskError } from "../task-record.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * A lane on this worker: it holds one place of a task, takes jobs one by one, and does them over a session at each end. Passing errors
 * are overcome here, with new sessions; what does not pass ends the job, and whoever coordinates decides.
 */
export class Lane {
  readonly token: string;
  readonly number: number;
  /** Resolves when its sessions are closed and its place is free. */
  readonly ended: Promise<void>;
  readonly #jobs: JobStore;
  readonly #taskId: string;
  readonly #stageNumber: string;
  readonly #stage: Stage;
  readonly #stopped = new AbortController();
  readonly #ledger: Ledger;
  readonly #before: string | null;
  #isLeaving = false;
  #isCopying = true;
  #pace: number | null = null;
  #mayBegin = true;
  #wake: () => void = () => undefined;
  #source: Session | undefined;
  #target: Session | undefined;
  #doing: LaneDoing | null = null;
  #trouble: { readonly error: TaskError; readonly nextTryAt: Date } | undefined;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(jobs: JobStore, place: TakenPlace, open: OpenStage, stage: Stage) {
    this.#jobs = jobs;
    this.token = place.token;
    this.number = place.number;
    this.#before = place.before;
    this.#taskId = open.taskId;
    this.#stageNumber = open.number;
    this.#stage = stage;
    this.#ledger = Ledger.join(stage.target, stage.epoch);
    this.follow(open);
    this.ended = this.#run();
  }

  /** What it is about at the moment. */
  get state(): LaneState {
    const { error = null, nextTryAt = null } = this.#trouble ?? {};
    return { token: this.token, isConnected: this.#source !== undefined || this.#target !== undefined, doing: this.#doing, error, nextTryAt };
  }

  /** Takes notice of what has changed. */
  follow({ pace, isCopying, hasReady }: OpenStage): void {
    this.#pace = pace;
    this.#isCopying = isCopying;
    if (hasReady || !isCopying) this.#goOn();
  }

  /** Ends after the job in hand. */
  leave(): void {
    this.#isLeaving = true;
    this.#goOn();
  }

  /** Ends now; the job in hand is rolled back and given back. */
  stop(): void {
    this.#stopped.abort(new GodwitError("interrupted", "the lane was ended"));
    this.#goOn();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isLeaving) {
        this.#mayBegin = false; // until somebody says so again
        this.#stopped.signal.throwIfAborted();
        if (!this.#isCopying) await this.#closeSource();
        const claimed = await this.#patiently(async () => await this.#jobs.claim(this.#taskId, this.token, this.#stageNumber));
        if (claimed === undefined) await this.#idle();
        else {
          failpoint("job claimed");
          await this.#work(claimed);
        }
      }
    } catch {
      // stopped: whoever did so knows why
    } finally {
      await this.#closeSessions();
      await this.#jobs.leavePlace(this.#taskId, this.token).catch(() => undefined); // with the store away, the place goes with the worker
    }
  }

  async #work(claimed: ClaimedJob): Promise<void> {
    try {
      const result = await runLaneJob(claimed, {
        taskId: this.#taskId,
        stage: this.#stage,
        ledger: this.#ledger,
        signal: this.#stopped.signal,
        source: async () => await this.#openSource(),
        target: async () => await this.#openTarget(),
        tell: (doing) => (this.#doing = doing),
        pace: (bytes) => {
          failpoint("chunk in flight");
          return this.#pace === null ? 0 : (bytes / this.#pace) * 1000;
        },
      });
      failpoint(EDGES[claimed.job.kind][0]);
      await this.#patiently(async () => await this.#jobs.end(this.#taskId, claimed.id, this.token, "done", result));
      failpoint(EDGES[claimed.job.kind][1]);
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#trouble = undefined;
    } catch (cause) {
      await this.#closeSessions();
      if (this.#stopped.signal.aborted) {
        await this.#jobs.giveBack(this.#taskId, claimed.id, this.token).catch(() => undefined); // else it is freed with the place
        throw cause;
      }
      await this.#fail(claimed, asGodwitError(cause));
    } finally {
      this.#doing = null;
    }
  }

  async #fail(claimed: ClaimedJob, error: GodwitError): Promise<void> {
    if (!this.#stage.triesAgain || !isPassing(error))
      return void (await this.#patiently(async () => await this.#jobs.end(this.#taskId, claimed.id, this.token, "failed", error.described())));
    this.#trouble = { error: error.described(), nextTryAt: new Date(Date.now() + this.#pauseMs) };
    await this.#patiently(async () => await this.#jobs.giveBack(this.#taskId, claimed.id, this.token));
    await this.#jobs.tell([this.state]).catch(() => undefined); // the store is back in a moment
    await sleep(this.#pauseMs, undefined, { signal: this.#stopped.signal });
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  async #openSource(): Promise<Session> {
    const { source, snapshot, sourceSettings } = this.#stage;
    return (this.#source ??= await openUnderSnapshot(source, snapshot ?? "", { settings: sourceSettings, signal: this.#stopped.signal }));
  }

  async #openTarget(): Promise<Session> {
    const { target, targetSettings } = this.#stage;
    if (this.#target !== undefined) return this.#target;
    const session = await openSession(target, { settings: targetSettings, applicationName: sessionName(this.#taskId, this.token), signal: this.#stopped.signal });
    this.#target = session;
    // One place is one session at work: servers go on for those whose worker or connection is gone, be it for hours in the build of an index.
    for (const lane of [this.token, this.#before]) if (lane !== null) await endSessions(session, this.#taskId, lane);
    this.#trouble = undefined; // the source's session is opened before
    return this.#target;
  }

  async #closeSource(): Promise<void> {
    await this.#source?.close();
    this.#source = undefined;
  }

  async #closeSessions(): Promise<void> {
    await Promise.all([this.#closeSource(), this.#target?.close()]);
    this.#target = undefined;
  }

  /** Until there may be something to do. */
  async #idle(): Promise<void> {
    if (!this.#mayBegin) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #goOn(): void {
    this.#mayBegin = true;
    this.#wake();
  }

  /** The store may be away for a while; work in hand is not lost for that. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    return await patiently(this.#stopped.signal, work);
  }
}

/** What is kept when a job is done, and when that is told. */
const EDGES = {
  copy: ["chunk committed", "chunk told"],
  largeObjects: ["large objects copied", "chunk told"],
  build: ["index built", "index told"],
  analyze: ["statistics gathered", "statistics gathered"],
} as const satisfies Record<LaneJob["kind"], readonly [Failpoint, Failpoint]>;

/** Another epoch has begun, or the snapshot is gone: then this stage ends soon, and nothing is to be done here. */
function isPassing({ code, retry }: GodwitError): boolean {
  return retry === "automatic" || code === "fenced" || code === "snapshot-lost";
}
