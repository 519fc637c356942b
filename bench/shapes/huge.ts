import { hashed, scaled } from "./content.ts";
import type { Shape } from "./shape.ts";

/** One table that is the whole database: a tool that gives a table to one job has one job. */
export const huge: Shape = {
  name: "huge",
  description: "one table of 6M rows with three indexes",
  statements(scale) {
    const rows = scaled(6_000_000, scale);
    return [
      `create table ledger (id bigint not null, customer_id int not null, booked_at timestamptz not null, amount numeric(14, 2) not null, currency text not null, note text);
       insert into ledger
         select i, ${hashed("i")} % 300000, timestamptz '2019-01-01' + i * interval '25 seconds', ${hashed("i + 1")} % 100000000 / 100.0,
           (array['EUR', 'USD', 'CHF', 'JPY'])[1 + i % 4], 'reference ' || md5(i::text)
         from generate_series(1, ${rows}) as i;`,
      `alter table ledger add primary key (id)`,
      `create index on ledger (customer_id)`,
      `create index on ledger (booked_at)`,
    ];
  },
};
