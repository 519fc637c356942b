import { randomBytes } from "node:crypto";
import type { z } from "zod";
import type { Secrets } from "../../engine/secrets.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import type { StoreQueries } from "../../task/store-queries.ts";
import type { Webhook, newWebhook, webhookChange } from "../contract/alerts.ts";

type Row = Omit<Webhook, "lastAt"> & { readonly lastAt: Date | null };
const COLUMNS = `id, name, host, is_enabled as "isEnabled", on_failed as "onFailed", on_retrying as "onRetrying", lag_seconds as "lagSeconds", retained_bytes::float8 as "retainedBytes",
  last_at as "lastAt", last_outcome as "lastOutcome"`;

/** Longer than an answer is waited for: whoever sends claims again before the next alert. */
const CLAIM_SECONDS = 20;

/** Addresses that are told of trouble. They may hold a secret: sealed in the store, and told by no answer. */
export class Webhooks {
  readonly #store: StoreQueries;
  readonly #secrets: Secrets;

  constructor(store: StoreQueries, secrets: Secrets) {
    this.#store = store;
    this.#secrets = secrets;
  }

  async list(): Promise<Webhook[]> {
    return (await this.#store.query<Row>(`select ${COLUMNS} from godwit.webhook order by created_at`, [])).map(toWebhook);
  }

  async create(given: z.output<typeof newWebhook>): Promise<Webhook> {
    const id = randomBytes(5).toString("hex");
    const [row] = await this.#store.query<Row>(
      `insert into godwit.webhook (id, name, url, host, is_enabled, on_failed, on_retrying, lag_seconds, retained_bytes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ${COLUMNS}`,
      [id, given.name, this.#secrets.encrypt(given.url, id), new URL(given.url).host, given.isEnabled, given.onFailed, given.onRetrying, given.lagSeconds, given.retainedBytes],
    );
    return toWebhook(row!);
  }

  /** What is left out stays; null takes a threshold away. Throws `entry-unknown`. */
  async change(id: string, given: z.output<typeof webhookChange>): Promise<Webhook> {
    const [row] = await this.#store.query<Row>(
      `update godwit.webhook set name = coalesce($2, name), url = coalesce($3, url), host = coalesce($4, host), is_enabled = coalesce($5, is_enabled),
         on_failed = coalesce($6, on_failed), on_retrying = coalesce($7, on_retrying), lag_seconds = case when $8 then $9 else lag_seconds end,
         retained_bytes = case when $10 then $11 else retained_bytes end where id = $1 returning ${COLUMNS}`,
      [
        id, given.name ?? null, given.url === undefined ? null : this.#secrets.encrypt(given.url, id), given.url === undefined ? null : new URL(given.url).host, given.isEnabled ?? null,
        given.onFailed ?? null, given.onRetrying ?? null, given.lagSeconds !== undefined, given.lagSeconds ?? null, given.retainedBytes !== undefined, given.retainedBytes ?? null,
      ],
    ); // prettier-ignore
    return toWebhook(row ?? unknown(id));
  }

  async delete(id: string): Promise<void> {
    const rows = await this.#store.query("delete from godwit.webhook where id = $1 returning id", [id]);
    if (rows.length === 0) unknown(id);
  }

  /** Where to send it: for the sender alone. Throws `entry-unknown`, `secret-key-wrong`. */
  async url(id: string): Promise<string> {
    const [row] = await this.#store.query<{ url: string }>("select url from godwit.webhook where id = $1", [id]);
    return this.#secrets.decrypt((row ?? unknown(id)).url, id);
  }

  async sent(id: string, outcome: string): Promise<void> {
    await this.#store.query("update godwit.webhook set last_at = now(), last_outcome = $2 where id = $1", [id, outcome]);
  }

  /**
   * The enabled ones (or one of them) that this sender alone tells from now on, for a while: it claims them again and again. A sender that died is followed
   * by the next one that asks.
   */
  async claim(sender: string, id: string | null = null): Promise<Webhook[]> {
    const rows = await this.#store.query<Row>(
      `update godwit.webhook set sender = $1, sender_until = clock_timestamp() + interval '${CLAIM_SECONDS} seconds'
        where is_enabled and ($2::text is null or id = $2) and (sender = $1 or sender_until is null or sender_until < clock_timestamp()) returning ${COLUMNS}`,
      [sender, id],
    );
    return rows.map(toWebhook);
  }

  /** Others may claim them at once. */
  async release(sender: string): Promise<void> {
    await this.#store.query("update godwit.webhook set sender = null, sender_until = null where sender = $1", [sender]);
  }

  /** By task: the conditions that have arrived, and were not told to be over. */
  async told(id: string): Promise<Map<string, Set<string>>> {
    const rows = await this.#store.query<{ task: string; whats: string[] }>(
      "select task_id as task, array_agg(what) as whats from godwit.alert where webhook_id = $1 group by task_id",
      [id],
    );
    return new Map(rows.map(({ task, whats }) => [task, new Set(whats)]));
  }

  /** It has arrived. Webhook and task may have been deleted meanwhile. */
  async remember(id: string, task: string, what: string): Promise<void> {
    await this.#store.query(
      "insert into godwit.alert (webhook_id, task_id, what) select w.id, t.id, $3 from godwit.webhook w, godwit.task t where w.id = $1 and t.id = $2 on conflict do nothing",
      [id, task, what],
    );
  }

  /** When it comes again, it is told again. */
  async forget(id: string, task: string, what: string): Promise<void> {
    await this.#store.query("delete from godwit.alert where webhook_id = $1 and task_id = $2 and what = $3", [id, task, what]);
  }
}

function unknown(id: string): never {
  throw new GodwitError("entry-unknown", `no alert ${id}`, { object: id });
}

function toWebhook({ lastAt, ...row }: Row): Webhook {
  return { ...row, lastAt: lastAt?.toISOString() ?? null };
}
