import { hashed, scaled } from "../../shapes/content.ts";
import type { Backlog } from "./backlog.ts";
import { transactions } from "./transactions.ts";

const BRANCHES = 8;
const ACCOUNTS = 100_000;
const TELLERS = 10;

/** The tables and the transaction of pgbench (https://www.postgresql.org/docs/current/pgbench.html); history has no key there either. */
export const tpcb: Backlog = {
  name: "tpcb",
  description: "800,000 transactions of pgbench's TPC-B: an account, a teller and a branch updated, a history row inserted",
  statements(scale) {
    const branches = branchCount(scale);
    return [
      `create table pgbench_branches (bid int not null, bbalance int, filler char(88));
       create table pgbench_tellers (tid int not null, bid int, tbalance int, filler char(84));
       create table pgbench_accounts (aid int not null, bid int, abalance int, filler char(84));
       create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
       insert into pgbench_branches select i, 0, null from generate_series(1, ${branches}) as i;
       insert into pgbench_tellers select i, (i - 1) / ${TELLERS} + 1, 0, null from generate_series(1, ${branches * TELLERS}) as i;
       insert into pgbench_accounts select i, (i - 1) / ${ACCOUNTS} + 1, 0, '' from generate_series(1, ${branches * ACCOUNTS}) as i;
       alter table pgbench_branches add primary key (bid);
       alter table pgbench_tellers add primary key (tid);
       alter table pgbench_accounts add primary key (aid);`,
    ];
  },
  work(scale) {
    const count = scaled(800_000, scale);
    const branches = branchCount(scale);
    const script = transactions(
      count,
      `v_aid := 1 + ${hashed("n")} % ${branches * ACCOUNTS}; v_tid := 1 + ${hashed("n + 1")} % ${branches * TELLERS}; v_bid := 1 + ${hashed("n + 2")} % ${branches};
       v_delta := ${hashed("n + 3")} % 10001 - 5000;
       update pgbench_accounts set abalance = abalance + v_delta where aid = v_aid;
       update pgbench_tellers set tbalance = tbalance + v_delta where tid = v_tid;
       update pgbench_branches set bbalance = bbalance + v_delta where bid = v_bid;
       insert into pgbench_history (tid, bid, aid, delta, mtime) values (v_tid, v_bid, v_aid, v_delta, timestamp '2026-01-01' + n * interval '1 millisecond');`,
      "v_aid int; v_tid int; v_bid int; v_delta int;",
    );
    return { scripts: [script], transactions: count, changes: 4 * count };
  },
};

function branchCount(scale: number): number {
  return Math.max(1, Math.round(BRANCHES * scale));
}
