import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { CheckContext } from "../context.ts";
import { version } from "./version.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it("passes upwards, and tells of a target that is older", async () => {
  const [old, young] = [await createDatabase(oldest), await createDatabase(newest)];
  const up = await itemsOf("version", old.endpoint("source"), young.endpoint("target"));
  expect(up).toMatchObject([{ result: "passed", evidence: [`source PostgreSQL ${oldest}, target PostgreSQL ${newest}`] }]);
  const down = await itemsOf("version", young.endpoint("source"), old.endpoint("target"));
  expect(down).toMatchObject([{ result: oldest === newest ? "passed" : "alarm" }]);
});

it("tells of a version that is newer than any it knows", async () => {
  const [item] = await version.run({ source: { major: 19 }, target: { major: 19 } } as CheckContext);
  expect(item).toMatchObject({ id: "version", result: "alarm", docs: "docs/reference/prechecks.md#version" });
  expect(item?.why).toContain("PostgreSQL 19");
});
