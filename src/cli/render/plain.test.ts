import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { newProgress } from "../../task/events.ts";
import { PlainReporter } from "./plain.ts";
import { FAILED, RECORDED, SUMMARY } from "./recorded-migration.ts";

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 10, 0, 0) }));
afterEach(() => void vi.useRealTimers());

it("plain lines tell a migration, one line for what is worth one, progress every ten seconds", () => {
  let out = "";
  let err = "";
  const progress = newProgress();
  const reporter = new PlainReporter({
    output: { write: (text: string) => (out += text) },
    errors: { write: (text: string) => (err += text) },
    progress,
    colour: false,
    now: Date.now,
  });
  for (const event of RECORDED) reporter.report(event);
  Object.assign(progress, { step: "copy", totalTables: 28, totalBytes: 100_000_000 });
  vi.advanceTimersByTime(10_000);
  for (let tenth = 1; tenth <= 10; tenth++) {
    Object.assign(progress, { doneTables: 1.4 * tenth, doneBytes: 5_000_000 * tenth, copiedBytes: 4_800_000 * tenth, copiedRows: 40_000 * tenth });
    vi.advanceTimersByTime(1000);
  }
  reporter.report({ event: "table", database: "shop", table: "shop.orders", rows: 112_000, bytes: 12_000_000, seconds: 8.2 });
  reporter.report({ event: "table", database: "shop", table: "shop.small", rows: 2, bytes: 12, seconds: 0.2 });
  reporter.report({ event: "difference", database: "shop", table: "shop.orders", reason: "2 rows differ", keys: ["(7)", "(9)"] });
  reporter.report({ event: "check", item: FAILED });
  reporter.report({ event: "error", code: "data-differ", message: "1 of 28 tables differs", object: "shop.orders", advice: "Copy it again." });
  reporter.report({ ...SUMMARY, state: "failed" });
  reporter[Symbol.dispose]();
  expect(out).toMatchInlineSnapshot(`
    "10:00:00 Structure and data: source app@db1:5432/shop → target app@db2:5432/shop
    10:00:00 connect: started
    10:00:00 connect: finished in 0.0 s
    10:00:00 precheck: started
    10:00:00 precheck: finished in 0.1 s
    ! alarm  Unlogged tables  source shop, unlogged
        shop.carts
      why  They are empty after a crash of the source.
      fix  Nothing, if that is known.

    ✓ 1 check passed
    10:00:00 structure shop: started
    10:00:00 structure shop: finished in 0.1 s
    10:00:00 copy shop: started
    10:00:10 copy: 0 %, 0 of 28 tables, 0 bytes/s, 0 rows/s
    10:00:20 copy: 50 %, 14 of 28 tables, 4.80 MB/s, 40,000 rows/s, about 10 s left
    10:00:20 copied shop.orders: 112,000 rows, 12.0 MB in 8.2 s
    10:00:20 differs: shop: shop.orders: 2 rows differ, first keys: (7) (9)
    ✗ failed  The target database is empty  target shop, target-empty
        public.table_0
        public.table_1
        public.table_2
        public.table_3
        public.table_4
        public.table_5
        public.table_6
        public.table_7
        public.table_8
        public.table_9
        public.table_10
        public.table_11
        public.table_12
        public.table_13
        public.table_14
        public.table_15
        public.table_16
        public.table_17
        public.table_18
        public.table_19
        public.table_20
        public.table_21
        public.table_22
      why  Objects of the same name would collide.
      fix  Empty the database, or name another one.
           drop schema public cascade;
           create schema public;

    ✗ Failed after 5.3 s, with 507,865 rows copied
    "
  `);
  expect(err).toMatchInlineSnapshot(`
    "✗ data-differ: 1 of 28 tables differs
      object shop.orders
      → Copy it again.
    "
  `);
  expect(vi.getTimerCount()).toBe(0);
});
