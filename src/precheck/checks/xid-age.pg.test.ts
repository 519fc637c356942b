import { describe, expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

/** The least that can be set. */
const FREEZE_MAX_AGE = 100_000;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names databases whose freezing is overdue; VACUUM mends it", { timeout: 60_000 }, async () => {
    await using server = await startServer({ major, settings: { autovacuum_freeze_max_age: FREEZE_MAX_AGE, autovacuum: "off", autovacuum_naptime: "1h", fsync: "off" } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    expect(await itemsOf("xid-age", ...ends)).toMatchObject([{ result: "passed" }]);
    await using session = await openSession(ends[0]);
    // As long as it lasts, nothing behind it can be frozen, be it that autovacuum tries.
    await using holder = await openSession(ends[0]);
    await holder.query("begin isolation level repeatable read; select 1");
    // Each block is a subtransaction, with a number of its own.
    await session.query(`create table public.t (a int);
      do $$ begin for n in 1 .. ${1.6 * FREEZE_MAX_AGE} loop begin insert into public.t values (1); exception when others then null; end; end loop; end $$`);
    const [item] = await itemsOf("xid-age", ...ends);
    expect(item).toMatchObject({ result: "alarm", fixSql: "vacuum (freeze);" });
    expect(item?.evidence).toEqual([expect.stringMatching(/^database postgres: the oldest unfrozen transaction is \d+ transactions old, autovacuum_freeze_max_age = 100000$/)]);
    await holder.query("rollback");
    await mend(item, ...ends);
    expect(await itemsOf("xid-age", ...ends)).toMatchObject([{ result: "passed" }]);
  });
});
