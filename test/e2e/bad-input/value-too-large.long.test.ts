import { expect, it } from "vitest";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

/** 600 MB of bytea are 1.2 GB of hexadecimal text, and no message of a server may be larger than 1 GB. */
it.each([...new Set([TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!])])("a value that cannot be sent is told with its table, by PostgreSQL %i", async (major) => {
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  // In binary form it would pass; a range of one's own keeps the table from travelling like that.
  await source.query("create type span as range (subtype = text); create table public.huge (id int primary key, reach span, body bytea)");
  await source.query("insert into huge values (1, null, 'small'), (2, null, (repeat('x', 300000000) || repeat('y', 300000000))::bytea)");
  const result = await runCli(["migrate", "--source", source.uri, "--target", target.uri], { timeLimitMs: 300_000 });
  expectFailure(result, {
    exit: 4,
    says: ["value-too-large", "source postgres@", "reading public.huge", "holds part of the migration"],
    secrets: [new URL(source.uri).password, "xxxx"],
  });
  expect(await target.query("select count(*)::int as rows from huge")).toEqual([{ rows: 0 }]);
});
