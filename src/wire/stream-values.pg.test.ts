import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../test/kit/majors.ts";
import { openSession } from "./session.ts";
import { streamValues } from "./stream-values.ts";

const SIZES = [0, 1, 200, 8191, 300_000, 3, 1_000_000, 0, 7];

describe.each(OUTER_MAJORS)("values streamed from PostgreSQL %i", (major) => {
  it("come whole and in order, whatever their size, and leave the session as it was", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    const digests: string[] = [];
    const digest = (bytes: Buffer): string => createHash("md5").update(bytes).digest("hex");
    for (let round = 0; round < 2; round++) {
      const sql = "select convert_to(repeat(chr(65 + n::int), s), 'UTF8') from unnest($1::int4[]) with ordinality as u (s, n)";
      const values = streamValues(session, sql, [`{${SIZES.join(",")}}`], (bytes, start, end) => digests.push(digest(bytes.subarray(start, end))));
      values.release();
      await values.done;
    }
    const expected = SIZES.map((size, at) => digest(Buffer.alloc(size, 66 + at)));
    expect(digests).toEqual([...expected, ...expected]);
    expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("are held until they are asked for, though the statement has run", async () => {
    const database = await createDatabase(major);
    await database.query("create table a (n int4)");
    await using session = await openSession(database.endpoint("source"));
    await session.query(
      "create function public.f() returns setof text language plpgsql as $$ begin insert into public.a values (1); return query select repeat('x', 100000) from generate_series(1, 200); end $$",
    );
    let came = 0;
    const values = streamValues(session, "select x from public.f() as x", [], () => came++);
    await values.begun;
    await sleep(50);
    expect(came).toBe(0);
    values.release();
    values.pause();
    await sleep(50);
    const before = came;
    await sleep(50);
    expect(came).toBe(before);
    values.resume();
    await values.done;
    expect(came).toBe(200);
    expect(await database.query("select * from a")).toEqual([{ n: 1 }]);
  });

  it("end with what the server says, and with what their consumer throws", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    const failing = streamValues(session, "select 1 / (n - $1::int4) from generate_series(1, 100000) as n", ["90000"], () => undefined);
    failing.release();
    await expect(failing.done).rejects.toMatchObject({ code: "query-failed", cause: { code: "22012" } });
    expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
    const refused = streamValues(session, "select 1", [], () => {
      throw new Error("not this");
    });
    refused.release();
    await expect(refused.done).rejects.toThrow("not this");
  });

  it("end when the connection is lost, before and within their rows", async () => {
    const database = await createDatabase(major);
    for (const sql of ["select 1 from pg_sleep(60)", "select repeat('x', 1000) from generate_series(1, 10000000)"]) {
      await using session = await openSession(database.endpoint("source"));
      const values = streamValues(session, sql, [], () => undefined);
      values.release();
      await sleep(100);
      await database.query("select pg_terminate_backend($1)", [session.backendPid]);
      await expect(values.done).rejects.toMatchObject({ code: "connection-lost" });
    }
  });
});
