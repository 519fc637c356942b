import { expect, it } from "vitest";
import { advancesSafely } from "./advances-safely.ts";

it.each([
  [120022, false],
  [130020, false],
  [130021, true],
  [140017, false],
  [140018, true],
  [150013, true],
  [160008, false],
  [160009, true],
  [170004, false],
  [170005, true],
  [180000, true],
  [190000, true],
])("a slot of PostgreSQL %i may be moved without decoding: %s", (versionNum, expected) => {
  expect(advancesSafely(versionNum)).toBe(expected);
});
