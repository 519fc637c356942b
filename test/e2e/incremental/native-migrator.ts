import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GodwitError } from "../../../src/errors/godwit-error.ts";
import { newProgress } from "../../../src/task/events.ts";
import { parseEndpoint } from "../../../src/wire/endpoint.ts";
import { quoteLiteral } from "../../../src/wire/quote.ts";
import { taskOptions } from "../../kit/checks.ts";
import { migrate } from "../../kit/migrate.ts";
import { SEQUENCES_SQL } from "./compare-sides.ts";
import { MigrationFailed, type MigrationSite, type Migrator, type RunningMigration } from "./migrator.ts";
import { replicaIdentitySql } from "./random-table.ts";
import { LEDGER } from "./random-schema.ts";
import { hasIdentity } from "./schema.ts";

/** A worker that fails is started again and again. */
const PATIENCE_MS = 90_000;

/**
 * PostgreSQL's own logical replication: the oracle, which proves generator and comparison right.
 * What it does not move is moved here: structure (by Godwit) before, sequences after. Unlogged tables are left out
 * (https://www.postgresql.org/docs/current/logical-replication-restrictions.html).
 */
export const nativeReplication: Migrator = {
  name: "native",
  isNative: true,
  start: async (site) => {
    const { source, schema } = site;
    await moveStructure(site);
    for (const table of schema.tables) if (!hasIdentity(table)) await source.query(replicaIdentitySql(table, "full"));
    await source.query("create publication native for all tables");
    await subscribe(site);
    return new NativeReplication(site);
  },
};

/** While clients write: when they TRUNCATE as it is planned, once more. */
async function moveStructure({ source, target }: MigrationSite): Promise<void> {
  const options = taskOptions(parseEndpoint("source", source.uri), parseEndpoint("target", target.uri), { type: "structure", acceptAlarms: true });
  for (let attempt = 1; ; attempt++) {
    try {
      await migrate(options, { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
      return;
    } catch (error) {
      if (!(error instanceof GodwitError && error.code === "source-changed") || attempt === 20) throw error;
    }
  }
}

/** The network may break just then. A slot that was made nevertheless keeps its name. */
async function subscribe({ source, target, sourceUri }: MigrationSite): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const slot = `${target.name}_${attempt}`;
    try {
      await target.query(
        `create subscription ${target.name} connection ${quoteLiteral(sourceUri)} publication native with (create_slot = true, copy_data = true, slot_name = '${slot}')`,
      );
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await source.query("select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1 and not active", [slot]).catch(() => undefined);
      await sleep(100);
    }
  }
}

class NativeReplication implements RunningMigration {
  readonly deaths = (): number => 0;
  readonly #site: MigrationSite;

  constructor(site: MigrationSite) {
    this.#site = site;
  }

  async waitSyncing(): Promise<void> {
    await this.#until("the copy", async () => {
      const [row] = await this.#site.target.query<{ left: number }>("select count(*)::int as left from pg_subscription_rel where srsubstate <> 'r'");
      return row?.left === 0;
    });
  }

  /** Commits arrive in order: when the last one is there, all are. */
  async complete(): Promise<void> {
    const { source, target } = this.#site;
    await this.waitSyncing();
    await source.query(`insert into ${LEDGER} values (0, 1)`);
    await this.#until("the changes", async () => (await target.query(`select from ${LEDGER} where client = 0`)).length > 0);
    for (const { name, last_value, is_called } of await source.query<{ name: string; last_value: string; is_called: boolean }>(await sequenceValues(this.#site)))
      await target.query(`select pg_catalog.setval(${quoteLiteral(name)}, ${last_value}, ${is_called})`);
    await this[Symbol.asyncDispose]();
  }

  async kill(): Promise<void> {
    throw new Error("the death of a backend restarts its whole server: see the option for restarts");
  }

  async workOn(): Promise<void> {
    await sleep(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { source, target } = this.#site;
    await target.query(`drop subscription if exists ${target.name}`);
    await source.query("drop publication if exists native");
  }

  async #until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    // A server that is being restarted ends the query that asks.
    while (!(await holds().catch(() => false))) {
      if (performance.now() > deadline) throw new MigrationFailed("", `native replication does not get through with ${what}:\n${await this.#log()}`);
      await sleep(50);
    }
  }

  /** Errors of the target's server: the last ones are ours. */
  async #log(): Promise<string> {
    const log = await readFile(join(this.#site.target.server.directory, "server.log"), "utf8");
    return log.split("\n").filter((line) => /ERROR|DETAIL|CONTEXT|STATEMENT/.test(line)).slice(-8).join("\n"); // prettier-ignore
  }
}

async function sequenceValues({ source }: MigrationSite): Promise<string> {
  const sequences = await source.query<{ name: string }>(SEQUENCES_SQL);
  if (sequences.length === 0) return "select ''::text as name, 0::bigint as last_value, false as is_called where false";
  return sequences.map(({ name }) => `select ${quoteLiteral(name)}::text as name, last_value, is_called from ${name}`).join(" union all ");
}
