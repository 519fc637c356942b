import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("tells by how much the target's clock is ahead or behind", async () => {
    await using server = await startServer({ major, settings: { allow_system_table_mods: "on" } });
    const source = await createDatabase(major);
    const ends = [source.endpoint("source"), parseEndpoint("target", server.uri())] as const;
    expect(await itemsOf("clocks", ...ends)).toMatchObject([{ result: "passed" }]);
    // A server whose clock is wrong, as far as SQL can make one.
    await using session = await openSession(ends[1]);
    await session.query("alter function pg_catalog.clock_timestamp() rename to true_timestamp");
    for (const [interval, words] of [
      ["1 hour", /^the target's clock is (?:3599\.9|3600\.[01]) s ahead of the source's$/],
      ["-10 seconds", /^the target's clock is (?:9\.9|10\.[01]) s behind the source's$/],
    ] as const) {
      await session.query(
        `create or replace function pg_catalog.clock_timestamp() returns timestamptz language sql as $$ select pg_catalog.true_timestamp() + interval '${interval}' $$`,
      );
      const [item] = await itemsOf("clocks", ...ends);
      expect(item).toMatchObject({ result: "alarm", evidence: [expect.stringMatching(words)] });
    }
  });
});
