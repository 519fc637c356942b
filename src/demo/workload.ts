import { setTimeout as sleep } from "node:timers/promises";
import type { Endpoint } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import { GodwitError } from "../errors/godwit-error.ts";

/** A client that was held up makes up for so much, and no more. */
const CATCH_UP_MS = 200;

/** Where every client notes each transaction, in the transaction itself. */
const LEDGER = "shop.commits";

/** One client's own account of what the server has confirmed to it. */
interface ClientAccount {
  readonly client: number;
  /** Of the transactions that were acknowledged. */
  readonly numbers: number[];
  /** Sent, and not answered by yes or no: it may be there or not. */
  readonly unknown: number[];
}

export interface SwitchFigures {
  /** From the last commit that the old server acknowledged to the first that the new one did, in milliseconds; the worst client. */
  readonly writePauseMs: number;
}

/**
 * A shop at work: several clients, each of which writes orders, payments, price changes, cancellations and events, so many transactions a second in all.
 * Every transaction notes its client and number in a table of its own; the client remembers which were acknowledged.
 */
export class Workload {
  readonly #accounts: readonly ClientAccount[];
  readonly #perSecond: number;
  readonly #stop = new AbortController();
  #clients: Promise<void>[] = [];
  #moved: Promise<Endpoint>;
  #move: (target: Endpoint) => void = () => undefined;
  readonly #pauses: number[] = [];

  constructor(clients: number, perSecond: number) {
    this.#accounts = Array.from({ length: clients }, (_, client) => ({ client, numbers: [], unknown: [] }));
    this.#perSecond = perSecond;
    this.#moved = new Promise((resolve) => (this.#move = resolve));
  }

  get transactions(): number {
    return this.#accounts.reduce((sum, { numbers }) => sum + numbers.length, 0);
  }

  /** Makes the clients' table and lets them write. */
  async start(source: Endpoint): Promise<void> {
    await using session = await openSession(source);
    await session.query(
      `create table ${LEDGER} (client int, n bigint, at timestamptz not null default clock_timestamp(), primary key (client, n)); alter table ${LEDGER} owner to shop_owner`,
    );
    this.#clients = this.#accounts.map(async (account) => await this.#work(account, source));
  }

  /** The clients go on at the new server. Resolves when each of them has had a transaction acknowledged there. */
  async switchTo(target: Endpoint): Promise<SwitchFigures> {
    this.#move(target);
    while (this.#pauses.length < this.#accounts.length && !this.#stop.signal.aborted) await sleep(5);
    return { writePauseMs: Math.max(...this.#pauses) };
  }

  /** No client writes any more. Throws what broke one of them. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#clients);
  }

  /** Every acknowledged transaction is on the server, each once, and nothing that nobody sent. Throws `data-differ`. */
  async audit(server: Endpoint): Promise<number> {
    await using session = await openSession(server);
    const rows = await session.query<{ client: number; numbers: string[] }>(`select client, pg_catalog.array_agg(n::text order by n) as numbers from ${LEDGER} group by client`);
    let acknowledged = 0;
    for (const { client, numbers, unknown } of this.#accounts) {
      const there = new Set((rows.find((row) => row.client === client)?.numbers ?? []).map(Number));
      const missing = numbers.filter((n) => !there.has(n));
      const invented = [...there].filter((n) => !numbers.includes(n) && !unknown.includes(n));
      if (missing.length > 0 || invented.length > 0)
        throw new GodwitError("data-differ", `client ${client}: ${missing.length} acknowledged transactions are missing, ${invented.length} are there that it did not send`);
      acknowledged += numbers.length;
    }
    return acknowledged;
  }

  async #work(account: ClientAccount, source: Endpoint): Promise<void> {
    let session = await openSession(source, { applicationName: "webshop" });
    let state: "here" | "moved" | "there" = "here";
    let lastOnSource = performance.now();
    const everyMs = (1000 * this.#accounts.length) / this.#perSecond;
    let due = performance.now();
    try {
      for (let n = 1; !this.#stop.signal.aborted; n++) {
        try {
          await session.query(transaction(account.client, n));
          account.numbers.push(n);
          if (state === "moved") {
            this.#pauses.push(performance.now() - lastOnSource);
            state = "there";
          } else if (state === "here") lastOnSource = performance.now();
        } catch (error) {
          if (state !== "here" || this.#stop.signal.aborted) throw error;
          // The old server takes no writes any more, or ended the session: an application waits for its new address. Whether the last one came through it cannot know.
          if (!isRefusal(error)) account.unknown.push(n);
          await session.close();
          session = await this.#reconnect();
          state = "moved";
          continue;
        }
        due = Math.max(due + everyMs, performance.now() - CATCH_UP_MS);
        if (due - performance.now() > 1) await sleep(due - performance.now());
      }
    } finally {
      await session.close();
    }
  }

  async #reconnect(): Promise<Session> {
    return await openSession(await this.#moved, { applicationName: "webshop" });
  }
}

/** Read-only: the transaction was not done, for sure. */
function isRefusal(error: unknown): boolean {
  return error instanceof GodwitError && error.code === "target-read-only";
}

/** One transaction's statements, in one message: by turns an order with its lines, a payment, a price, a cancellation, an event. */
function transaction(client: number, n: number): string {
  const turn = (client * 7 + n) % 10;
  const note = `insert into ${LEDGER} (client, n) values (${client}, ${n})`;
  const random = (most: number): string => `(1 + pg_catalog.floor(pg_catalog.random() * ${most}))::int`;
  if (turn < 3) {
    return `begin; ${note}; with placed as (insert into shop.orders (customer_id, status, ordered_at) values (${random(1000)}, 'new', pg_catalog.now()) returning id, ordered_at)
      insert into shop.order_lines (order_id, ordered_at, line, product_id, quantity, unit_price) select id, ordered_at, line, ${random(3000)}, line, 9.90 + line from placed, pg_catalog.generate_series(1, 2) line;
      update shop.stock set quantity = greatest(0, quantity - 1) where warehouse = 'BER' and product_id = ${1 + (n % 50)}; commit`;
  }
  if (turn === 3) return `begin; ${note}; update shop.customers set credit = credit + 1, tags = tags || 'called'::text where id = ${1 + ((client * 131 + n) % 900)}; commit`;
  if (turn === 4) return `begin; ${note}; update shop.products set price = price + 0.01 where id = ${1 + ((client * 97 + n) % 300)}; commit`;
  if (turn === 5) return `begin; ${note}; delete from content.reviews where id = (select max(id) from content.reviews where id % 8 = ${client}); commit`;
  if (turn === 6)
    return `begin; ${note}; savepoint a; insert into content.reviews (product_id, stars, words, written_at) values (1, 5, 'taken back', pg_catalog.now()); rollback to a; insert into content.reviews (product_id, stars, words, written_at) values (${random(3000)}, 4, 'kept', pg_catalog.now()); commit`;
  return `begin; ${note}; insert into shop.events (at, kind, payload) values (pg_catalog.clock_timestamp(), 'view', pg_catalog.jsonb_build_object('client', ${client}, 'n', ${n})); commit`;
}
