import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { relayCopy } from "./copy-relay.ts";
import { type Session, openSession } from "./session.ts";

const REASON = /^source \S+: the connection was lost: terminating connection due to administrator command \(SQLSTATE 57P01\)$/;

async function terminate(database: TestDatabase, session: Session): Promise<void> {
  await database.query("select pg_terminate_backend($1)", [session.backendPid]);
  await expect.poll(() => session.socket.destroyed, { timeout: 5000 }).toBe(true);
}

describe.each([TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!])("a session that was lost tells why, PostgreSQL %i", (major) => {
  it.each([false, true])("between two queries (pipeline: %s)", async (pipeline) => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"), { pipeline });
    await terminate(database, session);
    for (const sql of ["select 1", "select 2"]) {
      const attempt = session.query(sql);
      await expect(attempt).rejects.toMatchObject({ code: "connection-lost", cause: { code: "57P01" } });
      await expect(attempt).rejects.toThrow(REASON);
    }
    await expect(session.client.query("select 3")).rejects.toThrow(REASON);
  });

  it("within a query, to the queries behind it", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"), { pipeline: true });
    await session.query("select 1/0").catch(() => undefined); // an error that ended nothing is not the reason
    const [first, behind] = [session.query("select pg_sleep(60)"), session.query("select 2")];
    first.catch(() => undefined);
    behind.catch(() => undefined);
    await database.query("select pg_sleep(0.2), pg_terminate_backend($1)", [session.backendPid]);
    await expect(first).rejects.toThrow(/querying: terminating connection due to administrator command \(SQLSTATE 57P01\)$/);
    await expect(behind).rejects.toThrow(REASON);
    await expect(session.query("select 3")).rejects.toThrow(REASON);
  });

  it("to a copy that begins later", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await using from = await openSession(source.endpoint("source"));
    await using into = await openSession(target.endpoint("target"));
    await terminate(source, from);
    const job = { sourceSql: "copy (select 1) to stdout", targetSql: "begin; copy public.a from stdin; commit", objects: ["a"] };
    const copy = relayCopy(from, into, job, { bytes: 0, rows: 0 }, new AbortController().signal);
    await expect(copy).rejects.toMatchObject({ code: "connection-lost", message: expect.stringMatching(REASON) as unknown });
  });

  it("also when no reason was given", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    session.socket.destroy();
    await expect.poll(() => session.socket.closed).toBe(true);
    await expect(session.query("select 1")).rejects.toThrow(/^source \S+: the connection was lost: it ended without a word$/);
  });
});
