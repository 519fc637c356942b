import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("raises an alarm for TRUNCATE where it is not decoded, and tells what is brought into line at Complete", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table t (id int primary key); create unlogged table fleeting (a int); select lo_create(0)");
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    const [item] = await itemsOf("unfollowed-changes", ...ends, TYPE);
    const atComplete = ["unlogged table public.fleeting: copied again at Complete", "1 large objects: compared at Complete"];
    expect(item).toMatchObject(
      major < 11 ? { result: "alarm", evidence: [`PostgreSQL ${major} does not decode TRUNCATE`, ...atComplete] } : { result: "passed", evidence: atComplete },
    );
  });
});
