import { describe, expect, it } from "vitest";
import { settingsBody, shownSettings, withFields } from "./changed-settings.ts";

const TASK = { name: "shop", tags: { team: "shop", stage: "trial" }, concurrency: 4, rateLimit: 5_000_000 };

describe("changed settings", () => {
  it("are all that is sent, and the rest follows the task", () => {
    const changed = withFields(TASK, withFields(TASK, {}, { name: " the shop " }), { tags: { team: "shop", stage: "live" } });
    expect(settingsBody(changed)).toEqual({ name: "the shop", tags: { stage: "live" } });
    const now = { name: "renamed by somebody", tags: { team: "archive", stage: "trial", more: "yes" }, concurrency: 9, rateLimit: null };
    expect(shownSettings(now, changed)).toEqual({ name: " the shop ", tags: { team: "archive", stage: "live", more: "yes" }, concurrency: 9, rateLimit: "" });
    expect(settingsBody(withFields(now, changed, { rateLimit: 2.5 }))).toEqual({ name: "the shop", tags: { stage: "live" }, rateLimit: 2_500_000 });
  });

  it("are none when a field is again as it was", () => {
    expect(withFields(TASK, withFields(TASK, {}, { concurrency: 8, tags: {} }), { concurrency: 4, tags: TASK.tags })).toEqual({});
  });

  it("say what is taken away", () => {
    const tags = { constructor: "somebody" } as Readonly<Record<string, string>>;
    expect(settingsBody(withFields({ ...TASK, tags }, {}, { tags: {}, rateLimit: "" }))).toEqual({ tags: { constructor: null }, rateLimit: null });
  });
});
