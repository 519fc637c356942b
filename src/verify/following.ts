import { setTimeout as sleep } from "node:timers/promises";
import { LEDGER_SCHEMA } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { type Endpoint, describeEndpoint } from "../wire/endpoint.ts";
import { type Lsn, formatLsn, parseLsn } from "../wire/lsn.ts";
import { type Session, openSession } from "../wire/session.ts";

/** How patient one is with a target that follows. */
export interface Patience {
  /** Longer waits are told. */
  readonly tellAfterMs: number;
  /** A target that does not come on for so long is stuck. One large transaction of the source moves nothing until it is applied. */
  readonly stuckAfterMs: number;
  /** No wait for one position is longer. */
  readonly mostMs: number;
}

export const PATIENCE: Patience = { tellAfterMs: 5000, stuckAfterMs: 120_000, mostMs: 900_000 };

/** How often the target's position is read. */
const POLL_MS = 50;

/** Whether the target came to a position; else what is in the way, as a sentence. */
export type Arrival = { readonly hasPassed: true } | { readonly hasPassed: false; readonly why: string };

export interface FollowingOptions {
  readonly patience: Patience;
  /** Told when something takes long. */
  readonly tell: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Finds out whether a task follows the changes of this source's database into that target's; undefined: none does. Told, too, when that may not be seen.
 * Errors: those of opening a session.
 */
export async function openFollowing(source: Endpoint, target: Endpoint, options: FollowingOptions): Promise<Following | undefined> {
  const { signal } = options;
  const settings = { applicationName: "godwit verify", signal };
  await using opened = new AsyncDisposableStack();
  const to = opened.use(await openSession(target, settings));
  try {
    if ((await readStored(to)).length === 0) return undefined;
  } catch (error) {
    if (!(error instanceof GodwitError && error.code === "privilege-missing")) throw error;
    options.tell(`whether changes are being followed cannot be seen, and what flows right now may look like a difference: ${error.message}`);
    return undefined;
  }
  const from = opened.use(await openSession(source, settings));
  const following = new Following(from, to, options, opened.move());
  if ((await following.position()) !== undefined) return following;
  await following[Symbol.asyncDispose]();
  return undefined;
}

/** A target that follows the changes of a source: where the source is, and whether the target has come there. Holds a session on either side, without a transaction. */
export class Following implements AsyncDisposable {
  readonly #source: Session;
  readonly #target: Session;
  readonly #options: FollowingOptions;
  readonly #sessions: AsyncDisposableStack;
  /** Where the target was when it was given up. */
  #stuck: { readonly at: Lsn; readonly why: string } | undefined;

  constructor(source: Session, target: Session, options: FollowingOptions, sessions: AsyncDisposableStack) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#sessions = sessions;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sessions.disposeAsync();
  }

  /**
   * What of the source is applied on the target and visible there. It is stored in the transaction that applies it; the slot is never told more than that, and also hears of
   * WAL without a change for the target, so the larger of the two counts. undefined: nobody follows, there is no stored position whose slot the source has.
   */
  async position(): Promise<Lsn | undefined> {
    const stored = await readStored(this.#target);
    if (stored.length === 0) return undefined;
    const slots = await readSlots(this.#source);
    const positions = stored.flatMap(({ slot, applied }) => {
      const confirmed = slots === undefined ? applied : slots.get(slot);
      return confirmed === undefined ? [] : [max(applied, confirmed)];
    });
    // Several tasks may fill one database.
    return positions.length === 0 ? undefined : positions.reduce((least, lsn) => (lsn < least ? lsn : least));
  }

  /**
   * A position on the source's disk that everything lies before which a snapshot of before this call sees. A commit that nobody waited for (synchronous_commit = off) is
   * visible before it is on disk: the WAL writer gets to it within three rounds (https://www.postgresql.org/docs/current/wal-async-commit.html). What is only
   * inserted may stay so for long, when its transaction stands still: it is not waited for beyond that.
   */
  async sourcePosition(): Promise<Lsn> {
    const inserted = await readLsn(this.#source, INSERTED);
    const until = performance.now() + 3 * (await readWalWriterDelayMs(this.#source)) + POLL_MS;
    for (;;) {
      const isLate = performance.now() >= until;
      const flushed = await readLsn(this.#source, FLUSHED);
      if (flushed >= inserted || isLate) return flushed;
      await sleep(POLL_MS, undefined, { signal: this.#options.signal });
    }
  }

  /** Waits until the target has passed a position of the source, as long as it comes on and not longer than patience allows. */
  async pass(lsn: Lsn): Promise<Arrival> {
    const { patience, signal, tell } = this.#options;
    const since = performance.now();
    const there = describeEndpoint(this.#target.endpoint);
    let [last, movedAt, isTold] = [undefined as Lsn | undefined, since, false];
    for (;;) {
      const position = await this.position();
      if (position === undefined) return { hasPassed: false, why: `${there} does not follow the source's changes any more` };
      if (position >= lsn) return { hasPassed: true };
      if (position === this.#stuck?.at) return { hasPassed: false, why: this.#stuck.why }; // nobody waits twice
      const now = performance.now();
      if (position !== last) [last, movedAt] = [position, now];
      const state = `${there} is at LSN ${formatLsn(position)} and has not passed ${formatLsn(lsn)}, ${lsn - position} bytes of WAL on`;
      if (now - movedAt >= patience.stuckAfterMs) {
        this.#stuck = { at: position, why: `${state}: it has not come on for ${seconds(now - movedAt)}` };
        continue;
      }
      if (now - since >= patience.mostMs) return { hasPassed: false, why: `${state}, after ${seconds(now - since)}` };
      if (!isTold && now - since >= patience.tellAfterMs) {
        isTold = true;
        tell(`${state}: waiting for it`);
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}

async function readStored(target: Session): Promise<{ slot: string; applied: Lsn }[]> {
  // By the catalog: to_regclass fails where the schema may not be used, and whoever may not see the position is told so by the query below.
  const [there] = await target.query(
    `select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = '${LEDGER_SCHEMA}' and c.relname = 'stream'`,
  );
  if (there === undefined) return [];
  const rows = await target.query<{ slot: string; applied: string }>(`select slot, applied::pg_catalog.text as applied from ${LEDGER_SCHEMA}.stream`);
  return rows.map(({ slot, applied }) => ({ slot, applied: parseLsn(applied) }));
}

/** The slots of the session's database with what they were told; undefined on a standby, where the primary's are not seen. */
async function readSlots(source: Session): Promise<Map<string, Lsn> | undefined> {
  const confirmed = source.versionNum >= 90600 ? "confirmed_flush_lsn" : "null";
  const rows = await source.query<{ standby: boolean; slot: string | null; confirmed: string | null }>(
    `select r.standby, s.slot_name as slot, s.confirmed from (select pg_catalog.pg_is_in_recovery() as standby) r
       left join (select slot_name, ${confirmed}::pg_catalog.text as confirmed from pg_catalog.pg_replication_slots where database = pg_catalog.current_database()) s on true`,
  );
  if (rows[0]?.standby === true) return undefined;
  return new Map(rows.flatMap(({ slot, confirmed: lsn }) => (slot === null ? [] : [[slot, parseLsn(lsn ?? "0/0")] as const])));
}

/** What is called how since 10, in 9.6, and before. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-BACKUP */
const INSERTED = ["pg_current_wal_insert_lsn", "pg_current_xlog_insert_location", "pg_current_xlog_insert_location"] as const;
const FLUSHED = ["pg_current_wal_flush_lsn", "pg_current_xlog_flush_location", "pg_current_xlog_location"] as const;

/** On a standby what it has replayed: that is what its snapshots see. */
async function readLsn(source: Session, [since10, in96, before]: readonly [string, string, string]): Promise<Lsn> {
  const { versionNum } = source;
  const [primary, standby] = versionNum >= 100000 ? [since10, "pg_last_wal_replay_lsn"] : [versionNum >= 90600 ? in96 : before, "pg_last_xlog_replay_location"];
  const [row] = await source.query<{ lsn: string }>(
    `select (case when pg_catalog.pg_is_in_recovery() then pg_catalog.${standby}() else pg_catalog.${primary}() end)::pg_catalog.text as lsn`,
  );
  return parseLsn(row?.lsn ?? "0/0");
}

async function readWalWriterDelayMs(source: Session): Promise<number> {
  const [row] = await source.query<{ ms: string }>("select setting as ms from pg_catalog.pg_settings where name = 'wal_writer_delay'");
  return Number(row?.ms ?? 200);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}

function max(a: Lsn, b: Lsn): Lsn {
  return a > b ? a : b;
}
