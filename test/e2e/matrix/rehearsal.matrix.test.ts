import { expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { openSession } from "../../../src/wire/session.ts";
import { itemsOf } from "../../kit/checks.ts";

it.each([
  [18, 12, 'INDEX public.spgist_include: access method "spgist" does not support included columns'],
  [18, 11, 'INDEX public.gist_include: access method "gist" does not support included columns'],
] as const)("what only the target knows is named before anything is written: from %i to %i: %s", async (from, to, line) => {
  await using source = await startServer({ major: from });
  await using target = await startServer({ major: to });
  await using session = await openSession(parseEndpoint("source", source.uri("postgres")));
  await session.query(`create table public.t (id int, a point);
    create index spgist_include on public.t using spgist (a) include (id); create index gist_include on public.t using gist (a) include (id)`);
  const [item] = await itemsOf("structure-rehearsal", session.endpoint, parseEndpoint("target", target.uri("postgres")));
  expect(item?.evidence).toContain(line);
});
