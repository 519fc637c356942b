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
});
