import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type MigrationProgress, newProgress } from "../../task/events.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { FAILED, PASSED, RECORDED, SUMMARY } from "./recorded-migration.ts";
import { TtyReporter } from "./tty.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000_000 }));
afterEach(() => void vi.useRealTimers());

function open(terminal: FakeTerminal, colour = false): { reporter: TtyReporter; progress: MigrationProgress } {
  const progress = newProgress();
  return { progress, reporter: new TtyReporter({ output: terminal, errors: terminal, progress, colour, now: Date.now }) };
}

/** A copy of two lanes, half done, for three seconds. */
function copyHalf(progress: MigrationProgress): void {
  Object.assign(progress, { step: "copy", totalTables: 28, totalBytes: 100_000_000 });
  progress.lanes.set(0, { doing: "shop.orders_2025_03", since: Date.now(), counters: { bytes: 12_000_000, rows: 112_000 } });
  progress.lanes.set(1, { doing: 'shop."Ein ziemlich langer Name, 訂單資料表 mit allem"', since: Date.now(), counters: { bytes: 900, rows: 1 } });
  vi.advanceTimersByTime(1000);
  Object.assign(progress, { doneTables: 14, doneBytes: 50_000_000, copiedBytes: 48_000_000, copiedRows: 400_000 });
  vi.advanceTimersByTime(2000);
}

describe("the live terminal", () => {
  it("keeps finished lines, redraws the running step below them, and gives the cursor back", () => {
    const exitListeners = process.listenerCount("exit");
    const terminal = new FakeTerminal(100, 24);
    const { reporter, progress } = open(terminal);
    for (const event of RECORDED) reporter.report(event);
    expect(terminal.cursorHidden).toBe(true);
    copyHalf(progress);
    expect(terminal.screen).toMatchInlineSnapshot(`
      "· Structure and data: source app@db1:5432/shop → target app@db2:5432/shop
      ✓ Connect                          0.0 s
      ✓ Check                            0.1 s  1 passed

      ! alarm  Unlogged tables  source shop, unlogged
          shop.carts
        why  They are empty after a crash of the source.
        fix  Nothing, if that is known.

      ✓ Structure · shop                 0.1 s
      ⠼ Data · shop  3.0 s
          ███████████████████░░░░░░░░░░░ 62 %  16.7 MB/s  2 s left  14 of 28 tables  139,130 rows/s
          shop.orders_2025_03                                3.0 s     12.0 MB  112,000 rows
          shop."Ein ziemlich langer Name, 訂單資料表 …       3.0 s   900 bytes       1 row
      "
    `);
    progress.lanes.clear();
    reporter.report({ event: "step", step: "copy", state: "finished", database: "shop", seconds: 2.6 });
    reporter.report(SUMMARY);
    reporter[Symbol.dispose]();
    expect(terminal.screen).toMatchInlineSnapshot(`
      "· Structure and data: source app@db1:5432/shop → target app@db2:5432/shop
      ✓ Connect                          0.0 s
      ✓ Check                            0.1 s  1 passed

      ! alarm  Unlogged tables  source shop, unlogged
          shop.carts
        why  They are empty after a crash of the source.
        fix  Nothing, if that is known.

      ✓ Structure · shop                 0.1 s
      ✓ Data · shop                      2.6 s

      ✓ Done in 5.3 s
        28 tables, 507,865 rows, 54.0 MB
        41 indexes, 45 constraints, 12 sequences, 1 materialized view, 12 large objects, 7 roles
        compared row by row: 30 tables and materialized views, all equal on both sides

        Read and plan              0.4 s  ████
        Data                       2.6 s  ████████████████████████
        Indexes and keys           1.3 s  ████████████
        Compare both sides         0.9 s  ████████
      "
    `);
    expect(terminal.cursorHidden).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(process.listenerCount("exit")).toBe(exitListeners);
  });

  it("leaves nothing of the lanes behind when the work was interrupted", () => {
    const terminal = new FakeTerminal(80, 24);
    const { reporter, progress } = open(terminal);
    reporter.report({ event: "step", step: "copy", state: "started", database: "shop" });
    copyHalf(progress); // nobody takes the lanes away: they broke off
    reporter.report({ event: "error", code: "interrupted", message: "the work was interrupted before its end", advice: "Run the same command again." });
    vi.advanceTimersByTime(500);
    reporter.report({ ...SUMMARY, state: "interrupted", rows: 400_000 });
    vi.advanceTimersByTime(500);
    reporter[Symbol.dispose]();
    expect(terminal.screen).toBe(
      ["✗ interrupted: the work was interrupted before its end", "  → Run the same command again.", "", "✗ Interrupted after 5.3 s, with 400,000 rows copied", ""].join("\n"),
    );
  });

  it.each([60, 80])("wraps the summary at %i columns", (columns) => {
    const terminal = new FakeTerminal(columns, 40);
    const { reporter } = open(terminal);
    reporter.report({ ...SUMMARY, databases: 12, tables: 1234, verifiedTables: 1234 });
    reporter[Symbol.dispose]();
    for (const line of terminal.screen.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    expect(terminal.screen.replaceAll(/\s+/g, " ")).toContain("41 indexes, 45 constraints, 12 sequences, 1 materialized view, 12 large objects, 7 roles");
  });

  it.each([20, 40, 60, 80, 200])("never draws a line wider than %i columns while it runs", (columns) => {
    const terminal = new FakeTerminal(columns, 24);
    const { reporter, progress } = open(terminal);
    reporter.report({ event: "step", step: "copy", state: "started", database: "a_database_with_quite_a_long_name_indeed" });
    copyHalf(progress);
    for (const line of terminal.screen.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    reporter[Symbol.dispose]();
  });

  it("never draws more lines than the screen has: two hundred lanes on ten rows", () => {
    const terminal = new FakeTerminal(80, 10);
    const { reporter, progress } = open(terminal);
    reporter.report({ event: "step", step: "copy", state: "started" });
    for (let lane = 0; lane < 200; lane++) progress.lanes.set(lane, { doing: `public.t${lane}`, since: Date.now() });
    vi.advanceTimersByTime(500);
    expect(terminal.screen.trimEnd().split("\n").length).toBeLessThan(10);
    expect(terminal.screen).toContain("more");
    reporter[Symbol.dispose]();
  });

  it("leaves no traces of the wider frame when the window becomes narrower", () => {
    const terminal = new FakeTerminal(100, 24);
    const { reporter, progress } = open(terminal);
    reporter.report({ event: "step", step: "copy", state: "started" });
    copyHalf(progress);
    terminal.resize(50);
    vi.advanceTimersByTime(1000);
    expect(terminal.screen.match(/Data/g)).toHaveLength(1);
    expect(terminal.screen.match(/orders_2025_03/g)).toHaveLength(1);
    reporter[Symbol.dispose]();
  });

  it("prints failed checks with what to do, and the error, and shows the cursor although nobody disposed it", () => {
    const terminal = new FakeTerminal(80, 24);
    const { reporter } = open(terminal);
    reporter.report({ event: "step", step: "precheck", state: "started" });
    reporter.report({ event: "check", item: PASSED });
    reporter.report({ event: "check", item: FAILED });
    reporter.report({ event: "error", code: "precheck-failed", message: "1 of 2 checks failed: target-empty; nothing was written", advice: "Follow the fix." });
    process.listeners("exit").at(-1)?.call(process, 1);
    expect(terminal.screen).toMatchInlineSnapshot(`
      "
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

      ✓ 1 check passed
      ✗ precheck-failed: 1 of 2 checks failed: target-empty; nothing was written
        → Follow the fix.
      "
    `);
    expect(terminal.cursorHidden).toBe(false);
  });

  it("uses colours only when told to", () => {
    const dull = new FakeTerminal();
    const bright = new FakeTerminal();
    for (const [terminal, colour] of [
      [dull, false],
      [bright, true],
    ] as const) {
      const { reporter } = open(terminal, colour);
      for (const event of [...RECORDED, SUMMARY]) reporter.report(event);
      reporter[Symbol.dispose]();
    }
    // eslint-disable-next-line no-control-regex
    expect(dull.written).not.toMatch(/\u001b\[\d+m/);
    expect(bright.written).toContain("\u001b[32m");
    expect(bright.screen).toBe(dull.screen);
  });
});
