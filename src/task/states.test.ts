import { expect, it } from "vitest";
import { type Standing, TASK_ACTIONS, TASK_REPORTS, TASK_STATES, type TaskState, allowedActions, isAtWork, isResting, next } from "./states.ts";

/**
 * Every state × every event: where it leads; "·": not allowed. "back": to the work that was interrupted. "gone": deleted.
 * Written by hand: the code has to agree with it, not the other way round.
 */
const TABLE = `
                check     start      pause    resume retry complete   terminate   delete | checksPassed checksFailed postponed due       prepared caughtUp        finished  interrupted recovered failed paused cleaned
draft           checking  checking   ·        ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·
checking        ·         ·          pausing  ·      ·     ·          terminating ·      | checkPassed  checkFailed  ·         ·         ·        ·               ·         retrying    ·         failed ·      ·
checkPassed     checking  checking   ·        ·      ·     ·          terminating ·      | ·            ·            scheduled preparing ·        ·               ·         ·           ·         ·      ·      ·
checkFailed     checking  checking   ·        ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·
scheduled       ·         preparing  ·        ·      ·     ·          terminating ·      | ·            ·            ·         preparing ·        ·               ·         ·           ·         ·      ·      ·
preparing       ·         ·          pausing  ·      ·     ·          terminating ·      | ·            ·            ·         ·         running  ·               ·         retrying    ·         failed ·      ·
running         ·         ·          pausing  ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        readyToComplete succeeded retrying    ·         failed ·      ·
readyToComplete ·         ·          pausing  ·      ·     completing terminating ·      | ·            ·            ·         ·         ·        ·               ·         retrying    ·         failed ·      ·
completing      ·         ·          ·        ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               succeeded retrying    ·         failed ·      ·
succeeded       ·         ·          ·        ·      ·     ·          ·           gone   | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·
pausing         ·         ·          ·        ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         failed paused ·
paused          ·         ·          ·        back   ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·
retrying        ·         ·          pausing  ·      ·     ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           back      failed ·      ·
failed          ·         ·          ·        ·      back  ·          terminating ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·
terminating     ·         ·          ·        ·      ·     ·          ·           ·      | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      terminated
terminated      ·         ·          ·        ·      ·     ·          ·           gone   | ·            ·            ·         ·         ·        ·               ·         ·           ·         ·      ·      ·`;

const [header = [], ...rows] = TABLE.trim().split("\n").map((line) => line.replace("|", "").trim().split(/\s+/)); // prettier-ignore
const EVENTS = [...TASK_ACTIONS, ...TASK_REPORTS];
const WORK = TASK_STATES.filter(isAtWork);

/** A state, with every work it can have interrupted where it remembers one. */
function standings(state: TaskState): Standing[] {
  return ["pausing", "paused", "retrying", "failed"].includes(state) ? WORK.map((before) => ({ state, before })) : [{ state }];
}

it("has a line for every state and a column for every event", () => {
  expect(header).toEqual(EVENTS);
  expect(rows.map(([state]) => state)).toEqual([...TASK_STATES]);
});

it.each(rows)("%s leads where the table says", (state, ...cells) => {
  for (const standing of standings(state as TaskState)) {
    const led = EVENTS.map((event) => {
      const to = next(standing, event);
      if (to === undefined) return "·";
      if (event === "delete") return "gone";
      return to.state === standing.before ? "back" : to.state;
    });
    expect(led).toEqual(cells);
  }
});

it("remembers the work as long as it is to go on", () => {
  for (const work of WORK) {
    const walk = (...events: Parameters<typeof next>[1][]): Standing | undefined =>
      events.reduce<Standing | undefined>((standing, event) => standing && next(standing, event), { state: work });
    expect(walk("interrupted", "recovered")).toEqual({ state: work });
    expect(walk("interrupted", "failed", "retry")).toEqual({ state: work });
    expect(walk("interrupted", "pause", "paused", "resume")).toEqual({ state: work });
  }
});

it("says what is allowed", () => {
  expect(allowedActions({ state: "running" })).toEqual(["pause", "terminate"]);
  expect(allowedActions({ state: "failed", before: "running" })).toEqual(["retry", "terminate"]);
  expect(allowedActions({ state: "succeeded" })).toEqual(["delete"]);
});

it("rests where only somebody can move it on", () => {
  const moves = (standing: Standing): boolean => TASK_REPORTS.some((report) => next(standing, report) !== undefined);
  for (const standing of TASK_STATES.flatMap(standings)) expect([standing.state, isResting({ ...standing, onlyCheck: false })]).toEqual([standing.state, !moves(standing)]);
  expect(isResting({ state: "checkPassed", onlyCheck: true })).toBe(true);
});
