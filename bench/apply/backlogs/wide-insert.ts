import { scaled, wideColumns } from "../../shapes/content.ts";
import type { Backlog } from "./backlog.ts";
import { transactions } from "./transactions.ts";

const COLUMNS = 40;
const ROWS_AT_ONCE = 100;

/** What an event log is: only inserts, each of many columns. */
export const wideInsert: Backlog = {
  name: "wide-insert",
  description: "16,000 transactions of 100 inserted rows of 40 columns",
  statements: () => [`create table wide_rows (id bigint primary key, ${wideColumns(COLUMNS - 1).definitions})`],
  work(scale) {
    const count = scaled(16_000, scale);
    const script = transactions(
      count,
      `insert into wide_rows select i, ${wideColumns(COLUMNS - 1).values} from generate_series((n - 1) * ${ROWS_AT_ONCE} + 1, n * ${ROWS_AT_ONCE}) as i;`,
    );
    return { scripts: [script], transactions: count, changes: count * ROWS_AT_ONCE };
  },
};
