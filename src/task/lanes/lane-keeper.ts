import { setTimeout as sleep } from "node:timers/promises";
import type { JobStore, OpenStage } from "./job-store.ts";
import { Lane } from "./lane.ts";

/** The store tells what is to do, but not how many work at the same time: with a rate limit, each lane's share depends on that. */
const LOOK_MS = 2000;
const PACE_LOOK_MS = 500;
/** After an error of the store. */
const PAUSE_MS = 500;
/** How often what lanes do is written to the store, if it has changed. */
const TELL_MS = 1000;

interface KeptLane {
  readonly taskId: string;
  readonly stage: string;
  readonly lane: Lane;
  /** The state that was written to the store last. */
  told: string;
}

/**
 * Keeps this worker's lanes: for every task with work it fills places, up to its share among the workers that live, and gives up those that are
 * beyond it. A place belongs to one worker at a time and a task has `concurrency` of them, so the limit holds whoever joins or dies.
 */
export class LaneKeeper {
  readonly #jobs: JobStore;
  readonly #executor: string;
  readonly #log: (sentence: string) => void;
  readonly #lanes = new Map<string, KeptLane>();
  readonly #stopped = new AbortController();
  readonly #telling: NodeJS.Timeout;
  readonly #ended: Promise<void>;

  constructor(jobs: JobStore, executor: string, log: (sentence: string) => void) {
    this.#jobs = jobs;
    this.#executor = executor;
    this.#log = log;
    this.#telling = setInterval(() => void this.#tell(), TELL_MS);
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
    clearInterval(this.#telling);
    await Promise.all([...this.#lanes.values()].map(async ({ lane }) => await lane.ended));
  }

  async #keep(): Promise<void> {
    using news = this.#jobs.toDo();
    let isAway = false;
    while (!this.#stopped.signal.aborted) {
      let isPaced = false;
      try {
        isPaced = await this.#look();
        isAway = false;
      } catch (error) {
        // The store is back in a moment; lanes go on with what they have in hand.
        if (!isAway) this.#log(`lanes wait for the store: ${error instanceof Error ? error.message : String(error)}`);
        isAway = true;
        await sleep(PAUSE_MS);
      }
      await news.changed(isPaced ? PACE_LOOK_MS : LOOK_MS, this.#stopped.signal);
    }
  }

  /** Whether lanes keep to a rate. */
  async #look(): Promise<boolean> {
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
    return [...stages.values()].some(({ pace }) => pace !== null);
  }

  async #staff(open: OpenStage): Promise<void> {
    const surplus = open.mine.filter(({ number }) => number < open.concurrency).slice(open.share);
    for (const { token } of surplus) this.#lanes.get(token)?.lane.leave();
    if (open.mine.length >= open.share) return;
    const stage = await this.#jobs.readStage(open.taskId, open.number);
    if (stage === undefined) return;
    for (const place of await this.#jobs.takePlaces(open.taskId, this.#executor, open.share - open.mine.length)) {
      const lane = new Lane(this.#jobs, place, { ...open, hasReady: true }, stage);
      this.#lanes.set(place.token, { taskId: open.taskId, stage: open.number, lane, told: "" });
      void lane.ended.then(() => this.#lanes.delete(place.token));
    }
  }

  async #tell(): Promise<void> {
    const news = [...this.#lanes.values()].map((kept) => ({ kept, state: kept.lane.state, text: JSON.stringify(kept.lane.state) })).filter(({ kept, text }) => text !== kept.told);
    if (news.length === 0) return;
    await this.#jobs.tell(news.map(({ state }) => state)).then(
      () => news.forEach(({ kept, text }) => (kept.told = text)),
      () => undefined, // the store is back in a moment
    );
  }
}
