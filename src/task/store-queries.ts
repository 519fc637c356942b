import type { PoolClient } from "pg";
import type { Subscription } from "../engine/news.ts";
import type { Store } from "../engine/store.ts";
import { patiently } from "../errors/patiently.ts";
import { storeError } from "./store-error.ts";

/** Queries of the store with coded errors. With `patience`, a store that is away is waited for until that signal. */
export class StoreQueries {
  readonly #store: Store;
  readonly #patience: AbortSignal | undefined;

  constructor(store: Store, patience?: AbortSignal) {
    this.#store = store;
    this.#patience = patience;
  }

  /** The same store, waited for. */
  patient(until: AbortSignal): StoreQueries {
    return new StoreQueries(this.#store, until);
  }

  /** News of the store's topics (see STORE_MIGRATIONS). */
  subscribe(...topics: readonly string[]): Subscription {
    return this.#store.news.subscribe(...topics);
  }

  async query<T extends object>(sql: string, values: readonly unknown[]): Promise<T[]> {
    return await this.#patiently(async () => (await this.#store.pool.query<T>(sql, [...values])).rows);
  }

  /** What it does may be done again, when the store went away before it could say that it is committed. */
  async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return await this.#patiently(async () => {
      const client = await this.#store.pool.connect();
      try {
        await client.query("begin");
        const result = await work(client);
        await client.query("commit");
        client.release();
        return result;
      } catch (error) {
        const usable = await client.query("rollback").then(
          () => true,
          () => false,
        );
        client.release(!usable);
        throw error;
      }
    });
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const coded = async (): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        throw storeError(error);
      }
    };
    return this.#patience === undefined ? await coded() : await patiently(this.#patience, coded);
  }
}
