import { afterEach, describe, expect, it, vi } from "vitest";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type TestStream, openTestStream } from "../../test/kit/stream.ts";
import { Pipeline } from "../wire/pipeline.ts";
import type { Applied } from "./applier.ts";

const DDL = "create table public.t (id int primary key, u int unique, v text); create table public.other (id int primary key, v text)";
/** Four transactions of 200 rows fill a batch. */
const BATCH_BYTES = 64 * 1024;
const ROWS = 1000;

const written = vi.spyOn(Pipeline.prototype, "hold");
afterEach(() => written.mockClear());

async function openFilled(major: Parameters<typeof openTestStream>[0]): Promise<TestStream> {
  const stream = await openTestStream(major, DDL);
  await stream.source.query(`insert into public.t select i, i, 'v' from generate_series(1, ${ROWS}) i; insert into public.other select i, 'v' from generate_series(1, ${ROWS}) i`);
  await stream.sync();
  written.mockClear();
  return stream;
}

/** 40 transactions that follow each other closely, each of 100 rows; `between` stands before the one of that number. */
async function change(stream: TestStream, between: Readonly<Record<number, string>> = {}): Promise<void> {
  for (let at = 0; at < 40; at++) {
    const first = between[at];
    if (first !== undefined) await stream.source.query(first);
    await stream.source.query(`update public.${at % 8 === 7 ? "other" : "t"} set v = repeat('${String(at).padStart(2, "0")}', 50) where id % 10 = ${at % 10}`);
  }
}

async function expectEqual(stream: TestStream): Promise<void> {
  for (const table of ["public.t", "public.other"]) {
    const both = await stream.rows(table);
    expect(both.target).toEqual(both.source);
  }
}

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("batches that follow each other are written ahead; each is told when it is committed, in their order", async () => {
    await using stream = await openFilled(major);
    await change(stream);
    const applied: Applied[] = [];
    const applier = await stream.sync({ batchBytes: BATCH_BYTES, onApplied: (result) => applied.push(result) });
    expect(written.mock.calls.length).toBeGreaterThan(3);
    expect(applied.length).toBeGreaterThan(written.mock.calls.length);
    expect(applied.reduce((sum, { transactions }) => sum + transactions, 0)).toBe(40);
    const positions = applied.map(({ position }) => position!);
    expect(positions).toEqual(positions.toSorted((one, two) => Number(one - two)));
    expect(applier.applied).toBe(positions.at(-1));
    await expectEqual(stream);
  });

  it("a batch that collides is repeated in order, and what was written ahead of it is written again", async () => {
    await using stream = await openFilled(major);
    const swap = "begin; update public.t set u = -1 where id = 1; update public.t set u = 1 where id = 2; update public.t set u = 2 where id = 1; commit";
    await change(stream, { 5: swap, 29: "update public.t set u = u + 100000 where id = 3; update public.t set u = 3 where id = 4" });
    const applied: Applied[] = [];
    await stream.sync({ batchBytes: BATCH_BYTES, onApplied: (result) => applied.push(result) });
    expect(applied.some(({ isInOrder }) => isInOrder)).toBe(true);
    expect(written.mock.calls.length).toBeGreaterThan(3);
    await expectEqual(stream);
  });

  it("a row that is not there stops its own batch only; the batch whose COMMIT went with it stays", async () => {
    await using stream = await openFilled(major);
    await change(stream, { 20: "update public.other set v = 'wanted' where id = 500" });
    await stream.target.query("delete from public.other where id = 500");
    const applied: Applied[] = [];
    await expect(stream.sync({ peek: true, batchBytes: BATCH_BYTES, onApplied: (result) => applied.push(result) })).rejects.toMatchObject({ code: "row-missing" });
    expect(written.mock.calls.length).toBeGreaterThan(1);
    await stream.target.query("insert into public.other values (500, 'v')");
    await stream.sync({ batchBytes: BATCH_BYTES });
    await expectEqual(stream);
  });

  it("where a COMMIT fails, nothing is there of its batch, nor of the one behind it", async () => {
    await using stream = await openFilled(major);
    await stream.target.query(`
      create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one' using errcode = 'unique_violation'; end $$;
      create constraint trigger refuse after update on public.t deferrable initially deferred for each row when (new.id = 777) execute procedure public.refuse();
      alter table public.t enable always trigger refuse`);
    await change(stream);
    const applied: Applied[] = [];
    const refused = await stream.sync({ peek: true, batchBytes: BATCH_BYTES, onApplied: (result) => applied.push(result) }).catch((error: unknown) => error);
    expect(String(refused)).toContain("not this one");
    expect(written.mock.calls.length).toBeGreaterThan(1);
    expect(await stream.target.query("select v from public.t where id = 777")).toEqual([{ v: "v" }]);
    const told = applied.reduce((sum, { transactions }) => sum + transactions, 0);
    for (const table of ["t", "other"]) {
      const [newest] = await stream.target.query<{ n: number | null }>(`select max(left(v, 2)::int) as n from public.${table} where v <> 'v'`);
      expect(newest?.n ?? -1).toBeLessThan(told);
    }
    await stream.target.query("drop trigger refuse on public.t");
    await stream.sync({ batchBytes: BATCH_BYTES });
    await expectEqual(stream);
  });

  it("where a COMMIT fails that is sent to store the position, nothing is applied behind it", async () => {
    await using stream = await openFilled(major);
    // The batch takes longer than a position may wait to be stored: that is done behind it, in front of the next one.
    await stream.target.query(`
      create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one' using errcode = 'unique_violation'; end $$;
      create function public.slow() returns trigger language plpgsql as $$ begin perform pg_catalog.pg_sleep(1.5); return new; end $$;
      create constraint trigger refuse after update on public.t deferrable initially deferred for each row when (new.id = 777 and new.v like '27%') execute procedure public.refuse();
      create trigger slow after update on public.t for each row when (new.id = 777 and new.v like '27%') execute procedure public.slow();
      alter table public.t enable always trigger refuse, enable always trigger slow`);
    for (let at = 0; at < 40; at++)
      await stream.source.query(
        `begin; update public.t set v = repeat('${String(at).padStart(2, "0")}', 50) where id % 10 = ${at % 10}; insert into public.other values (${ROWS + 1 + at}, 'x'); commit`,
      );
    const refused = await stream.sync({ peek: true, batchBytes: BATCH_BYTES }).catch((error: unknown) => error);
    expect(String(refused)).toContain("not this one");
    const [newest] = await stream.target.query<{ id: number }>("select max(id) as id from public.other where v = 'x'");
    expect(newest?.id ?? 0).toBeLessThan(ROWS + 1 + 27);
    await stream.target.query("drop trigger refuse on public.t; drop trigger slow on public.t");
    await stream.sync({ batchBytes: BATCH_BYTES });
    await expectEqual(stream);
  });
});
