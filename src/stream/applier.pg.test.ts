import { describe, expect, it } from "vitest";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openTestStream } from "../../test/kit/stream.ts";
import { openSession } from "../wire/session.ts";
import { readCounters, storedPosition } from "./position.ts";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("applies inserts, updates and deletes, counts them, and stores the position with them", async () => {
    await using stream = await openTestStream(major, "create table public.t (id int primary key, v text, n numeric)");
    await stream.source.query("insert into public.t select i, 'v' || i, i / 3.0 from generate_series(1, 100) i");
    await stream.sync();
    await stream.source.query("update public.t set v = v || '!' where id <= 50");
    await stream.source.query(
      "begin; update public.t set v = 'a' where id = 60; update public.t set n = 1 where id = 60; delete from public.t where id = 61; insert into public.t values (61, 'again', null); insert into public.t values (200, '', 0); delete from public.t where id = 200; delete from public.t where id > 90; commit",
    );
    await stream.source.query(
      String.raw`insert into public.t values (300, E'tab\tnew\nline\\back"quote{}, NULL', 'NaN'), (301, '', 1), (302, null, 2), (303, '\N', 2), (304, 'NULL', 2), (305, E'\r', 1)`,
    );
    await stream.source.query(String.raw`update public.t set v = v || E'\t\n\\"' where id > 299`);
    await stream.sync();
    const { source, target } = await stream.rows("public.t");
    expect(target).toEqual(source);
    await using session = await openSession(stream.target.endpoint("target"));
    const [counters] = await readCounters(session, stream.slot);
    expect(counters).toMatchObject({ schema: "public", name: "t", received: [100 + 2 + 6, 50 + 2 + 6, 12, 0], skipped: [0, 0, 0, 0] });
    expect(counters?.applied).toEqual(counters?.received);
    expect(await storedPosition(session, stream.slot)).toBeGreaterThan(stream.start);
  });
});
