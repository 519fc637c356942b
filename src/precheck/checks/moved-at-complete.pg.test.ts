import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, itemsOfCheck } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";
import { checkAbove } from "./moved-at-complete.ts";

const TYPE = { type: "full+incremental" } as const;
const READER = "large_object_reader";
const MB = 1024 ** 2;

const major = TEST_MAJORS.at(-1)!;

it("tells how much is moved again while writes pause, and raises an alarm for much of it", async () => {
  await createAccount(major, READER);
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  expect(await itemsOf("moved-at-complete", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: [] }]);
  await source.query(`create unlogged table "Fleeting" as select repeat('x', 2000) as a from generate_series(1, 1500); create unlogged table left_out (a int);
      select lo_from_bytea(4242, decode(repeat(md5(random()::text), 40000), 'hex')); grant select on large object 4242 to ${READER}; grant select on "Fleeting" to ${READER}`);
  const exclude = [{ kind: "table", pattern: "left_out" }] as const;
  const evidence = ["1 large objects, 1 MB: compared", 'unlogged table public."Fleeting", 3 MB: copied again'];
  expect(await itemsOf("moved-at-complete", ...ends, { ...TYPE, exclude })).toMatchObject([{ result: "passed", evidence }]);
  const above = async (bytes: number, from = ends[0]) => await itemsOfCheck(checkAbove(bytes), from, ends[1], { ...TYPE, exclude });
  expect(await above(5 * MB)).toMatchObject([{ result: "passed" }]);
  const [item] = await above(2 * MB);
  expect(item).toMatchObject({ result: "alarm", evidence });
  // Who may not read the pages cannot compare them.
  const [plain] = await above(2 * MB, asAccount(source, "source", READER));
  expect(plain).toMatchObject({ result: "alarm", evidence: ["1 large objects, 1 MB: all copied again, as an account may not read pg_largeobject", evidence[1]] });
  expect(plain?.fix).toContain("both accounts may read pg_largeobject");
  await source.query('alter table "Fleeting" set logged');
  expect(await above(2 * MB)).toMatchObject([{ result: "passed" }]);
});

it("finds up to 1 GB small", async () => {
  await using server = await startServer({ major });
  const target = await createDatabase(major);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  const items = async () => await itemsOf("moved-at-complete", ...ends, TYPE);
  await using session = await openSession(ends[0]);
  await session.query("create unlogged table public.large (a int); create unlogged table public.small (a int)");
  const [file] = await session.query<{ path: string }>("select pg_relation_filepath('public.large') as path");
  // Empty pages are pages, too, and take no place on the disk. https://www.postgresql.org/docs/current/storage-file-layout.html
  await truncate(join(server.directory, "data", file!.path), 1024 * MB);
  const large = "unlogged table public.large, 1.0 GB: copied again";
  expect(await items()).toMatchObject([{ result: "passed", evidence: [large, "unlogged table public.small, 0 MB: copied again"] }]);
  await session.query("insert into public.small values (1)");
  expect(await items()).toMatchObject([
    {
      result: "alarm",
      evidence: [large, "unlogged table public.small, 1 MB: copied again"],
      why: expect.stringContaining("1.0 GB are read or copied again at Complete") as string,
      fix: expect.stringContaining("set logged") as string,
    },
  ]);
  await session.query("alter table public.small set logged");
  expect(await items()).toMatchObject([{ result: "passed", evidence: [large] }]);
});
