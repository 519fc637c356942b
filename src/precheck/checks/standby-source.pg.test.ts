import { expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { becomeStandby } from "../../../test/kit/standby.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

it.each(OUTER_MAJORS)("a standby of PostgreSQL %i has no rows of unlogged tables, and ends long reads; its SQL mends that", async (major) => {
  await using server = await startServer({ major });
  const target = await createDatabase(major);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  {
    await using session = await openSession(ends[0]);
    await session.query("create table public.kept as select 1 as a");
    await session.query('create unlogged table public."U" as select 1 as a');
  }
  expect(await itemsOf("standby-source", ...ends)).toMatchObject([{ result: "passed", evidence: ["the source is no standby"] }]);
  await becomeStandby(server);
  expect(await itemsOf("standby-source", ...ends)).toMatchObject([{ result: "failed", evidence: ["unlogged table public.U of database postgres"] }]);
  const exclude = [{ kind: "table", pattern: "public.U" }] as const;
  const [item] = await itemsOf("standby-source", ...ends, { exclude });
  expect(item).toMatchObject({ result: "alarm", evidence: ["max_standby_archive_delay = 30000 ms", "max_standby_streaming_delay = 30000 ms"] });
  await mend(item, ...ends);
  await expect.poll(async () => (await itemsOf("standby-source", ...ends, { exclude }))[0]?.result).toBe("passed");
});
