import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names sequences that are nearly used up, by what their column holds", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    await source.query(`create sequence public.plain maxvalue 100; create sequence public.cycling maxvalue 100 cycle; create sequence public.down increment -1 minvalue -100 maxvalue 100 start 99;
      create table public.orders (id int primary key, part smallint); create sequence public.orders_id owned by public.orders.id; create table public.fresh (id bigserial)`);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query("select setval('public.plain', 90), setval('public.orders_id', 1900000000), nextval('public.down'), setval('public.cycling', 99)");
    expect(await itemsOf("sequence-limits", ...ends)).toMatchObject([{ result: "passed" }]);
    await source.query("select setval('public.plain', 91), setval('public.orders_id', 1940000000)");
    const [item] = await itemsOf("sequence-limits", ...ends);
    expect(item).toMatchObject({
      result: "alarm",
      evidence: ["public.orders_id is at 1940000000 of 2147483647, which is what its column id holds", "public.plain is at 91 of 100"],
    });
  });

  it("counts from where a sequence begins: its smallest value, or the greatest where it descends", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create sequence public.high minvalue 9000000000 maxvalue 9999999999 start 9000000000; create sequence public.negative minvalue -100 maxvalue -1 start -100;
      create sequence public.widest minvalue -9223372036854775808 start 1; create sequence public.deepest increment -1 minvalue -9223372036854775808 maxvalue 9223372036854775807 start -1;
      create table public.wide (id int); create sequence public.wide_id minvalue -9223372036854775808 start 1 owned by public.wide.id;
      create table public.down (id int generated always as identity (increment -1), part smallint); create sequence public.down_part increment -1 owned by public.down.part`);
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await source.query(
      "select nextval('public.high'), nextval('public.negative'), nextval('public.widest'), nextval('public.deepest'), nextval('public.down_id_seq'), nextval('public.down_part'), nextval('public.wide_id')",
    );
    expect(await itemsOf("sequence-limits", ...ends)).toMatchObject([{ result: "passed" }]);
    await source.query(`select setval('public.high', 9950000000), setval('public.negative', -1), setval('public.widest', 9223372036854775807),
      setval('public.deepest', -9223372036854775808), setval('public.down_id_seq', -2147483648), setval('public.down_part', -32768)`);
    expect(await itemsOf("sequence-limits", ...ends)).toMatchObject([
      {
        result: "alarm",
        evidence: [
          "public.deepest is at -9223372036854775808 of -9223372036854775808",
          "public.down_id_seq is at -2147483648 of -2147483648, which is what its column id holds",
          "public.down_part is at -32768 of -32768, which is what its column part holds",
          "public.high is at 9950000000 of 9999999999",
          "public.negative is at -1 of -1",
          "public.widest is at 9223372036854775807 of 9223372036854775807",
        ],
      },
    ]);
  });
});
