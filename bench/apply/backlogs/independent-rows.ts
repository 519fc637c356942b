import { hashed, scaled } from "../../shapes/content.ts";
import type { Backlog } from "./backlog.ts";
import { transactions } from "./transactions.ts";

const ROWS_AT_ONCE = 1000;

/** No two changes meet in a row: nothing can be merged. */
export const independent: Backlog = {
  name: "independent",
  description: "800,000 transactions, each an update of a row of its own, in no order",
  statements: (scale) => [itemTable(scaled(800_000, scale))],
  work(scale) {
    const count = scaled(800_000, scale);
    // Another number than any row count can have in common: each row comes once.
    const id = `1 + n::bigint * 48271 % ${count}`;
    return {
      scripts: [transactions(count, `update items set quantity = quantity + n, changed_at = timestamptz '2026-01-01' + n * interval '1 millisecond' where id = ${id};`)],
      transactions: count,
      changes: count,
    };
  },
};

/** What jobs do: one statement that changes many rows. */
export const thousand: Backlog = {
  name: "thousand",
  description: "2,000 transactions, each an update of 1,000 rows of their own all over a table of 2,000,000",
  statements: (scale) => [itemTable(scaled(2000, scale) * ROWS_AT_ONCE)],
  work(scale) {
    const count = scaled(2000, scale);
    const script = transactions(
      count,
      `update items as t set quantity = quantity + n, changed_at = timestamptz '2026-01-01' + n * interval '1 millisecond'
       from generate_series(0, ${ROWS_AT_ONCE - 1}) as j where t.id = j * ${count} + n;`,
    );
    return { scripts: [script], transactions: count, changes: count * ROWS_AT_ONCE };
  },
};

function itemTable(rows: number): string {
  return `
    create table items (id bigint primary key, sku text not null, quantity int not null, price numeric(10, 2) not null, changed_at timestamptz not null, note text);
    insert into items select i, 'sku-' || i, 0, ${hashed("i")} % 100000 / 100.0, timestamptz '2025-01-01', 'item ' || md5(i::text) from generate_series(1, ${rows}) as i;`;
}
