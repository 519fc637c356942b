import { setTimeout as sleep } from "node:timers/promises";
import type { JobStore, OpenStage } from "./job-store.ts";
import { nudgedOr, nudgesSoFar } from "../nudge.ts";
import { Lane } from "./lane.ts";

/** How soon a worker sees new work, a pause, or a changed number of lanes that another process has written. */
const LOOK_MS = 500;

/**
 * Keeps this worker's lanes: for every task with work it fills places, up to its share among the workers that live, and gives up those that are
 * beyond it. A place belongs to one worker at a time and a task has `concurrency` of them, so the limit holds whoever joins or dies.
 */
export class LaneKeeper {
  readonly #jobs: JobStore;
  readonly #executor: string;
  readonly #log: (sentence: string) => void;
  readonly #lanes = new Map<string, { readonly taskId: string; readonly stage: string; readonly lane: Lane }>();
  readonly #stopped = new AbortController();
  readonly #ended: Promise<void>;

  constructor(jobs: JobStore, executor: string, log: (sentence: string) => void) {
    this.#jobs = jobs;
    this.#executor = executor;
    this.#log = log;
    this.#ended = this.#keep();
  }

  /** Others may be going on with the work of this worker. */
  interrupt(): void {
    for (const { lane } of this.#lanes.values()) lane.stop();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#ended;
    this.interrupt();
    await Promise.all([...this.#lanes.values()].map(async ({ lane }) => await lane.ended));
  }

  async #keep(): Promise<void> {
    let isAway = false;
    while (!this.#stopped.signal.aborted) {
      const since = nudgesSoFar();
      try {
        await this.#look();
        isAway = false;
      } catch (error) {
        // The store is back in a moment; lanes go on with what they have in hand.
        if (!isAway) this.#log(`lanes wait for the store: ${error instanceof Error ? error.message : String(error)}`);
        isAway = true;
        await sleep(LOOK_MS);
      }
      await nudgedOr(LOOK_MS, since, this.#stopped.signal);
    }
  }

  async #look(): Promise<void> {
    const stages = new Map((await this.#jobs.stages(this.#executor)).map((stage) => [stage.taskId, stage]));
    for (const { taskId, stage, lane } of this.#lanes.values()) {
      const open = stages.get(taskId);
      // The task rests, or goes on elsewhere or with another database, or somebody took this place.
      if (open?.number !== stage || open.mine.every(({ token }) => token !== lane.token)) lane.stop();
      else if (lane.number >= open.concurrency) lane.leave();
      else lane.follow(open);
    }
    for (const open of stages.values()) {
      // The store went away before it could tell us of a place that we took.
      for (const { token } of open.mine) if (!this.#lanes.has(token)) await this.#jobs.leavePlace(open.taskId, token);
      await this.#staff(open);
    }
  }

  async #staff(open: OpenStage): Promise<void> {
    const surplus = open.mine.filter(({ number }) => number < open.concurrency).slice(open.share);
    for (const { token } of surplus) this.#lanes.get(token)?.lane.leave();
    if (open.mine.length >= open.share) return;
    const stage = await this.#jobs.readStage(open.taskId, open.number);
    if (stage === undefined) return;
    for (const place of await this.#jobs.takePlaces(open.taskId, this.#executor, open.share - open.mine.length)) {
      const lane = new Lane(this.#jobs, place, { ...open, hasReady: true }, stage);
      this.#lanes.set(place.token, { taskId: open.taskId, stage: open.number, lane });
      void lane.ended.then(() => this.#lanes.delete(place.token));
    }
  }
}
