import { hashed, scaled } from "../../shapes/content.ts";
import type { Backlog } from "./backlog.ts";

/** What a nightly job or a migration of an application does. */
export const huge: Backlog = {
  name: "huge",
  description: "one transaction of 2M rows: all of a table's 1M rows updated, then 1M inserted",
  statements: (scale) => [
    `create table ledger (id bigint primary key, customer_id int not null, amount numeric(14, 2) not null, currency text not null, note text);
     ${insertRows(1, scaled(1_000_000, scale))};`,
  ],
  work(scale) {
    const rows = scaled(1_000_000, scale);
    return { scripts: [`update ledger set amount = amount * 1.07; ${insertRows(rows + 1, 2 * rows)};`], transactions: 1, changes: 2 * rows };
  },
};

function insertRows(first: number, last: number): string {
  return `
    insert into ledger
      select i, ${hashed("i")} % 300000, ${hashed("i + 1")} % 100000000 / 100.0, (array['EUR', 'USD', 'CHF', 'JPY'])[1 + i % 4], 'reference ' || md5(i::text)
      from generate_series(${first}, ${last}) as i`;
}
