import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { Ledger } from "../../copy/ledger.ts";
import { openSession } from "../../wire/session.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names the task that fills the source, and tells a ring", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    expect(await itemsOf("task-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
    await using session = await openSession(source.endpoint("target"));
    const other = `other${source.name}`;
    await Ledger.open(session, other);
    const filled = `task ${other} fills this database: its ledger is in schema godwit`;
    expect(await itemsOf("task-conflict", ...ends)).toMatchObject([{ result: "failed", evidence: [filled] }]);
    await createAccount(major, "ring_reader");
    const [blind] = await itemsOf("task-conflict", asAccount(source, "source", "ring_reader"), asAccount(target, "target", "ring_reader"));
    expect(blind).toMatchObject({ result: "failed", evidence: ["a task that the account ring_reader cannot see fills this database: its ledger is in schema godwit"] });
    const slot = `godwit_${other}_1`;
    await target.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`);
    expect(await itemsOf("task-conflict", ...ends)).toMatchObject([
      { result: "failed", evidence: [filled, expect.stringMatching(/^its source is target .*, the target of this task$/)], why: expect.stringContaining("for ever") as string },
    ]);
    await target.query(`select pg_drop_replication_slot('${slot}')`);
    await source.query("drop schema godwit cascade");
    expect(await itemsOf("task-conflict", ...ends)).toMatchObject([{ result: "passed" }]);
  });
});
