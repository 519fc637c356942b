import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const withEncoding = (encoding: string): string => `encoding '${encoding}' lc_collate 'C' lc_ctype 'C' template template0`;
/** One byte each in LATIN1, two in UTF8. */
const LONG = "é".repeat(40);

it("names what is too long in the target's encoding, and moves", async () => {
  const [from, to] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
  const source = await createDatabase(from, withEncoding("LATIN1"));
  await source.query(`create schema "${LONG}"; create table "${LONG}".short (id int primary key); create table "k${LONG}" (id serial primary key);
    create table t (id int, "c${LONG}" text, constraint "n${LONG}" check (id > 0)); create index "i${LONG}" on t (id); create view v as select "c${LONG}" from t;
    create type e as enum ('l${LONG}'); create function "f${LONG}"(a int) returns int language sql as 'select 1'; create table left_out ("x${LONG}" int)`);
  const utf8 = await createDatabase(to, withEncoding("UTF8"));
  const exclude = [{ kind: "table", pattern: "left_out" }] as const;
  const [item] = await itemsOf("name-legality", source.endpoint("source"), utf8.endpoint("target"), { exclude });
  expect(item).toMatchObject({ result: "failed" });
  expect(item?.evidence.toSorted()).toEqual([
    `column "c${LONG}" of public.t: 81 bytes in UTF-8`,
    `column "c${LONG}" of public.v: 81 bytes in UTF-8`,
    `constraint "k${LONG}_pkey" of public.k${LONG}: 86 bytes in UTF-8`,
    `constraint "n${LONG}" of public.t: 81 bytes in UTF-8`,
    `function "f${LONG}": 81 bytes in UTF-8`,
    `index "i${LONG}" of public.t: 81 bytes in UTF-8`,
    `label "l${LONG}" of e: 81 bytes in UTF-8`,
    `schema "${LONG}": 80 bytes in UTF-8`,
    `sequence "k${LONG}_id_seq": 88 bytes in UTF-8`,
    `table "k${LONG}": 81 bytes in UTF-8`,
  ]);
  // What the fix says: the source's own encoding.
  const same = await createDatabase(to, withEncoding("LATIN1"));
  expect(await itemsOf("name-legality", source.endpoint("source"), same.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  expect(await itemsOf("name-legality", utf8.endpoint("source"), same.endpoint("target"))).toEqual([]);
});
