import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

it("tells how much room is needed, and never blocks", async () => {
  const major = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query("create table filled as select n, repeat('x', 1000) as text from generate_series(1, 5000) n");
  expect(await itemsOf("target-space", source.endpoint("source"), target.endpoint("target"))).toMatchObject([
    { result: "passed", evidence: [expect.stringMatching(/^about [78] MB needed; SQL does not reveal how much is free$/)] },
  ]);
  expect(await itemsOf("target-space", source.endpoint("source"), target.endpoint("target"), { type: "structure" })).toMatchObject([{ result: "passed" }]);
});
