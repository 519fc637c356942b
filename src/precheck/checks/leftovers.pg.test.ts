import { describe, expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names slots and publications of other tasks, and drops them by its SQL", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    const slot = `godwit_${source.name}old_1`;
    await source.query("create publication of_others for all tables");
    expect(await itemsOf("leftovers", ...ends)).toMatchObject([{ result: "passed" }]);
    await source.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    await source.query(`create publication godwit_${source.name}old for all tables`);
    const [item] = await itemsOf("leftovers", ...ends);
    expect(item).toMatchObject({ result: "alarm", evidence: [`replication slot ${slot}, which nobody reads`, `publication godwit_${source.name}old`] });
    await mend(item, ...ends);
    expect(await itemsOf("leftovers", ...ends)).toMatchObject([{ result: "passed" }]);
    expect(await source.query("select pubname from pg_publication")).toEqual([{ pubname: "of_others" }]);
  });
});
