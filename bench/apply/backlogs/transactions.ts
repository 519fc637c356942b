/**
 * A script of `count` transactions, as the server makes them by itself: tens of thousands in a second, which no client could. `body` is PL/pgSQL and sees
 * the transaction's number, 1 …, as `n`. COMMIT in DO: https://www.postgresql.org/docs/current/plpgsql-transactions.html
 */
export function transactions(count: number, body: string, variables = ""): string {
  return `do $$ declare ${variables} begin for n in 1 .. ${count} loop ${body} commit; end loop; end $$`;
}
