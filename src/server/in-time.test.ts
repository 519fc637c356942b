import { expect, it } from "vitest";
import { inTime } from "./in-time.ts";

const { signal } = new AbortController();

it("gives what comes in time, also an error", async () => {
  expect(await inTime("a", signal, async () => await Promise.resolve(1))).toBe(1);
  await expect(inTime("a", signal, async () => await Promise.reject(new Error("no")))).rejects.toThrow("no");
});

it("does not wait for what never comes, and says so to whoever works on it", async () => {
  let told: AbortSignal | undefined;
  const never = async (given: AbortSignal): Promise<never> => {
    told = given;
    return await new Promise<never>(() => undefined);
  };
  await expect(inTime("source a@b:1/c", signal, never, 20)).rejects.toMatchObject({ code: "connection-timeout", object: "source a@b:1/c" });
  expect(told?.aborted).toBe(true);
});
