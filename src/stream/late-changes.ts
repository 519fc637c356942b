import { setTimeout as sleep } from "node:timers/promises";
import { displayName } from "../catalog/catalog.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import type { Lsn } from "../wire/lsn.ts";
import { type PgoutputMessage, isChange } from "../wire/pgoutput.ts";
import type { Session } from "../wire/session.ts";
import { openDecoder } from "./change-decoder.ts";
import { ChangeReader, type ChangeReaderOptions } from "./change-reader.ts";
import { endReceivers } from "../source/slot.ts";
import { stopLsn } from "../source/source-position.ts";
import { type SourceServer, expectSameSource, refuseEarlier } from "../source/source-server.ts";
import type { SourceSetup } from "../source/source-setup.ts";

/** What a slot holds behind a position that nobody will apply. */
export interface LateChanges {
  /** Everything that was committed before it was looked at. */
  readonly watchedTo: Lsn;
  /** Transactions with changes of ours, and their changes. */
  readonly transactions: number;
  readonly changes: number;
  /** As "public.orders". */
  readonly tables: readonly string[];
}

export interface LateChangesOptions {
  readonly setup: SourceSetup;
  /** Tables whose changes are followed, as `schema\0name`. */
  readonly followed: ReadonlySet<string>;
  /** Where the target is. */
  readonly from: Lsn;
  /** The server that the changes so far came from; undefined: not known. */
  readonly server?: SourceServer | undefined;
  /** Called when all but the last moments are read: whoever has a transaction open then is either seen there, or commits it too late to be seen. */
  readonly onNearEnd: () => Promise<void>;
}

const LOOK_MS = 5;

/**
 * Reads what the slot holds behind a position, up to now, and counts it. Nothing is taken: the slot goes no further than the position, and whoever comes next reads the same. Errors: `slot-missing`,
 * `slot-lost`, `slot-in-use` where somebody else reads from it, those of connecting.
 */
export async function readLateChanges(source: Session, { setup, followed, from, server, onNearEnd }: LateChangesOptions, signal: AbortSignal): Promise<LateChanges> {
  const decoder = await openDecoder(source, setup, followed, false);
  const tally = new LateTally(from);
  await using reader = await openReader(source, {
    setup,
    pluginOptions: decoder.options,
    signal,
    onConnected: async (replication) => void (await expectSameSource(replication, server, { slot: setup.slot, upTo: from })),
    handler: {
      onMessage: (bytes, start, end, walEnd) => {
        for (const message of decoder.decode(bytes, start, end, walEnd)) tally.take(message);
      },
      onKeepalive: (walEnd) => tally.reached(walEnd),
    },
    received: () => tally.received,
    durable: () => from,
    onBacklog: () => undefined,
    onRound: () => undefined,
  });
  const readUpToNow = async (): Promise<void> => {
    const end = await stopLsn(source);
    refuseEarlier(source, end, { slot: setup.slot, upTo: from });
    while (tally.watchedTo < end) await Promise.race([sleep(LOOK_MS, undefined, { signal }), reader.failed]);
  };
  await readUpToNow();
  await onNearEnd();
  await readUpToNow(); // which is little, however much there was
  return tally.found();
}

const ATTEMPTS = 200;
const PAUSE_MS = 50;

/** The walsender of whoever read from the slot before, be it a process that died, may not have noticed yet. */
async function openReader(source: Session, options: ChangeReaderOptions): Promise<ChangeReader> {
  for (let attempt = 1; ; attempt++) {
    await endReceivers(source, options.setup.receiver);
    try {
      return await ChangeReader.open(source, options);
    } catch (error) {
      if (!(error instanceof GodwitError) || error.code !== "slot-in-use" || attempt === ATTEMPTS) throw error;
    }
    await sleep(PAUSE_MS, undefined, { signal: options.signal });
  }
}

/** Counts what comes. What the position covers may come again (backlog.ts). */
class LateTally {
  /** The end of the newest commit. */
  received: Lsn;
  watchedTo: Lsn;
  readonly #from: Lsn;
  readonly #names = new Map<number, string>();
  readonly #tables = new Set<string>();
  #transactions = 0;
  #changes = 0;
  /** Of the transaction that is coming. */
  #inside = 0;
  readonly #touched = new Set<number>();

  constructor(from: Lsn) {
    this.#from = from;
    this.received = from;
    this.watchedTo = from;
  }

  take(message: PgoutputMessage): void {
    if (message.kind === "relation") this.#names.set(message.relation.id, displayName(message.relation));
    else if (message.kind === "begin") this.#begin();
    else if (message.kind === "commit") this.#commit(message.endLsn);
    else if (isChange(message)) {
      this.#inside++;
      for (const relation of message.kind === "truncate" ? message.relations : [message.relation]) this.#touched.add(relation);
    }
  }

  reached(position: Lsn): void {
    if (position > this.watchedTo) this.watchedTo = position;
  }

  found(): LateChanges {
    return { watchedTo: this.watchedTo, transactions: this.#transactions, changes: this.#changes, tables: [...this.#tables].toSorted() };
  }

  #begin(): void {
    this.#inside = 0;
    this.#touched.clear();
  }

  #commit(end: Lsn): void {
    this.reached(end);
    if (end > this.received) this.received = end;
    if (end <= this.#from || this.#inside === 0) return;
    this.#transactions++;
    this.#changes += this.#inside;
    for (const relation of this.#touched) this.#tables.add(this.#names.get(relation) ?? `relation ${relation}`);
  }
}
