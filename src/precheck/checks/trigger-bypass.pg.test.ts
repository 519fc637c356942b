import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

const TYPE = { type: "full+incremental" } as const;
const WRITER = "bypass_writer";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("says what waits for Complete when triggers cannot be kept asleep", async () => {
    await createAccount(major, WRITER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table parent (id int primary key)");
    const [from, plain] = [source.endpoint("source"), asAccount(target, "target", WRITER)];
    const options = { ...TYPE, noOwner: true };
    expect(await itemsOf("trigger-bypass", from, plain, options)).toMatchObject([{ result: "passed", evidence: [] }]);
    await source.query("create table child (parent int references parent)");
    const [item] = await itemsOf("trigger-bypass", from, plain, options);
    expect(item).toMatchObject({ result: "alarm", evidence: ["FK CONSTRAINT public.child child_parent_fkey: created at Complete"] });
    expect(await itemsOf("trigger-bypass", from, target.endpoint("target"), options)).toMatchObject([{ result: "passed", evidence: [] }]);
    if (major < 15) return;
    await mend(item, from, target.endpoint("target"));
    try {
      expect(await itemsOf("trigger-bypass", from, plain, options)).toMatchObject([{ result: "passed" }]);
    } finally {
      await target.query(`revoke set on parameter session_replication_role from ${WRITER}`);
    }
  });
});
