import { MAJORS, type Major } from "../../src/embedded/binaries.ts";

/** The majors that this run covers: GODWIT_TEST_MAJORS ("10,14,18"), by default the oldest, a middle one and the newest. */
export const TEST_MAJORS: readonly Major[] = (process.env["GODWIT_TEST_MAJORS"] ?? "10,14,18").split(",").map((text) => {
  const major = MAJORS.find((candidate) => String(candidate) === text.trim());
  if (major === undefined) throw new Error(`GODWIT_TEST_MAJORS: ${text} is not one of ${MAJORS.join(", ")}`);
  return major;
});

/** Majors were asked for (`npm run test:thorough`): then also tests run that wait for ten seconds and more, and whose kind others stand for in `npm test`. */
export const THOROUGH = process.env["GODWIT_TEST_MAJORS"] !== undefined;

/** The oldest and the newest: for tests of what the versions between do no differently. All of them when they are asked for. */
export const OUTER_MAJORS: readonly Major[] = THOROUGH ? TEST_MAJORS : [...new Set([...TEST_MAJORS.slice(0, 1), ...TEST_MAJORS.slice(-1)])];

/** For tests that wait long for what Godwit does where servers of all versions do the same: the newest, and others only when they are asked for. */
export const ONE_MAJOR: readonly Major[] = THOROUGH ? TEST_MAJORS : TEST_MAJORS.slice(-1);
