import { scaled } from "../../shapes/content.ts";
import type { Backlog } from "./backlog.ts";
import { transactions } from "./transactions.ts";

const ROWS = 10;

/** Counters: each change follows one of the same row a moment ago. */
export const hot10: Backlog = {
  name: "hot10",
  description: "800,000 transactions, each an update of one of the same 10 rows",
  statements: () => [
    `create table counters (id int primary key, hits bigint not null, changed_at timestamptz not null, note text not null);
     insert into counters select i, 0, timestamptz '2026-01-01', 'counter ' || md5(i::text) from generate_series(1, ${ROWS}) as i;`,
  ],
  work(scale) {
    const count = scaled(800_000, scale);
    const script = transactions(count, `update counters set hits = hits + n, changed_at = timestamptz '2026-01-01' + n * interval '1 millisecond' where id = 1 + n % ${ROWS};`);
    return { scripts: [script], transactions: count, changes: count };
  },
};
