import { displayName } from "../../catalog/catalog.ts";
import { type Ledger, sessionName } from "../../copy/ledger.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { choosesObjects } from "../../plan/object-pattern.ts";
import type { Follower } from "../../stream/follower.ts";
import { currentLsn } from "../../source/source-position.ts";
import { type KnownTables, type StateChange, compareStates, knownTables } from "../../source/state-changes.ts";
import { type TableState, holdsOlderRows, readStatesDigest, readTableStates } from "../../source/table-states.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import type { Lsn } from "../../wire/lsn.ts";
import type { RelationMessage } from "../../wire/pgoutput.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { inTransaction } from "../../wire/transaction.ts";
import type { RunContext } from "../run-context.ts";
import { isSeenTo } from "./seen-to.ts";
import type { BegunSlot } from "./source-notes.ts";

const NOTE = "known tables";

/** What the source's tables were when the structure was read. `source`: the session that read it; `published`: as it was before the slot was made. */
export async function rememberTables(source: Session, ledger: Ledger, target: Session, followedOids: readonly string[], published: ReadonlyMap<string, string>): Promise<void> {
  const { tables, others } = knownTables(await readTableStates(source, null), followedOids);
  await ledger.forget(target, NOTE);
  await ledger.note(target, NOTE, { tables: tables.map((table) => ({ ...table, published: published.get(table.oid) ?? null })), others });
}

/** A look takes so small a part of the time: of 20,000 tables of 10 columns the digest takes 0.25 s, and where it is another one all of it 2 s. */
const REST = 50;

/**
 * What is done to the tables of the source (DDL, the publication) while they are followed. The stream tells little of it: a table that was dropped and made anew, two that have swapped names, a partition
 * that was detached all look like others, or like nothing. So the catalog is compared with what it was, every few seconds, when a relation comes that is not known, and behind the stop position.
 *
 * What is seen to on the target is taken as it is now: columns and names that are the same on both sides. All else stops the task with `schema-changed`, once: it is known from then on, so the task
 * goes on when it is retried. Where changes do not come at all, it is told for as long as that is so.
 */
export class TableWatch {
  readonly #ends: { readonly source: Endpoint; readonly target: Endpoint };
  readonly #ledger: Ledger;
  readonly #publication: string | null;
  readonly #followedOids: readonly string[];
  readonly #context: RunContext;
  /** Of the catalog when nothing was wrong with it, and whether there were new tables. */
  #right: { readonly digest: string; readonly hasNew: boolean } | undefined;
  /** The known tables by oid. */
  #byOid: { readonly of: KnownTables; readonly tables: ReadonlyMap<string, TableState> } | undefined;
  #nextAt = 0;
  #turn: Promise<void> = Promise.resolve();
  /** Something is wrong; the stream, which tells more exactly before what, has this far to come by itself. */
  #wrongAt: Lsn | undefined;

  constructor(ends: { readonly source: Endpoint; readonly target: Endpoint }, ledger: Ledger, { setup }: BegunSlot, followedOids: readonly string[], context: RunContext) {
    this.#ends = ends;
    this.#ledger = ledger;
    this.#publication = setup.publication;
    this.#followedOids = followedOids;
    this.#context = context;
  }

  /** Looks from time to time. Throws `schema-changed` once everything before the change is on the target. */
  async look(source: Session, applied: Lsn): Promise<void> {
    if (performance.now() < this.#nextAt) return;
    await this.#inTurn(async () => {
      const since = performance.now();
      const { wrong, now } = await this.#compare(source);
      this.#nextAt = performance.now() + REST * (performance.now() - since);
      if (wrong.length === 0) this.#wrongAt = undefined;
      else if (this.#wrongAt === undefined) this.#wrongAt = await currentLsn(source);
      else if (applied >= this.#wrongAt) await this.#stop(wrong, now);
    });
  }

  /** The stream is about to bring rows of a relation. Throws `schema-changed` where it is not the table that it was, before any of these is applied. */
  async meet(relation: RelationMessage): Promise<void> {
    if (this.#publication === null) return; // test_decoding numbers relations by itself
    const { id, schema, name } = relation;
    const known = this.#table(String(id));
    if (known !== undefined && isDescribed(known, relation)) return;
    await this.#inTurn(async () => {
      await using source = await openSession(this.#ends.source, { signal: this.#context.signal });
      const { wrong, now } = await this.#compare(source);
      const its = wrong.filter((change) => change.oids.includes(String(id)) || (change.schema === schema && change.name === name));
      if (its.length > 0) await this.#stop(its, now);
    });
  }

  /**
   * At Complete: nothing may be wrong. New tables, which nobody follows, are told, too. Before it is told, the stream comes by what is wrong: it may say more exactly what; and a walsender of 14 that has
   * seen rows of a table before it was attached as a partition does not send those that come later (it keeps what is published until it ends), so the next one must begin behind.
   */
  async lookLast(source: Session, follower: Follower): Promise<void> {
    let isWrong = false;
    await this.#inTurn(async () => void (isWrong = (await this.#compareLast(source)).told.length > 0));
    if (!isWrong) return;
    await follower.reaches(await currentLsn(source), this.#context.signal); // not in turn: it may have to meet tables
    await this.#inTurn(async () => {
      const { told, now } = await this.#compareLast(source);
      if (told.length > 0) await this.#stop(told, now);
    });
  }

  async #compareLast(source: Session): Promise<{ told: readonly StateChange[]; now: ReadonlyMap<string, TableState> }> {
    const { include, exclude } = this.#context.options;
    const { wrong, now, newTables } = await this.#compare(source, true);
    return { told: [...wrong, ...(choosesObjects([...include, ...exclude]) ? [] : newTables.map(newTable))], now };
  }

  /** One at a time: each learns from what the one before has noted. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      await work();
    } finally {
      resolve();
    }
  }

  #table(oid: string): TableState | undefined {
    const known = this.#known();
    if (known === undefined) return undefined;
    if (this.#byOid?.of !== known) this.#byOid = { of: known, tables: new Map(known.tables.map((table) => [table.oid, table])) };
    return this.#byOid.tables.get(oid);
  }

  #known(): KnownTables | undefined {
    return this.#ledger.value(NOTE) as KnownTables | undefined;
  }

  /** What is wrong; what is not is known from here on. */
  async #compare(source: Session, tellsNew = false): Promise<{ wrong: readonly StateChange[]; now: ReadonlyMap<string, TableState>; newTables: readonly TableState[] }> {
    const digest = await readStatesDigest(source, this.#publication);
    if (digest === this.#right?.digest && !(tellsNew && this.#right.hasNew)) return { wrong: [], now: new Map(), newTables: [] };
    const now = await readTableStates(source, this.#publication);
    const known = this.#known();
    // A task of a Godwit that did not know this yet.
    if (known === undefined) {
      await this.#keep(knownTables(now, this.#followedOids));
      return { wrong: [], now, newTables: [] };
    }
    const before = new Set(known.tables.map(({ oid }) => oid));
    for (const state of now.values())
      if (state.wasAttached && !before.has(state.oid) && before.has(state.parent!) && !(await holdsOlderRows(source, state))) now.set(state.oid, { ...state, wasAttached: false });
    const { changes, newPartitions, newTables, quiet } = compareStates(known, now, this.#publication);
    if (quiet.length > 0) {
      const news = new Map(quiet.map((table) => [table.oid, table]));
      await this.#keep({ ...known, tables: known.tables.map((table) => news.get(table.oid) ?? table) });
    }
    const seen = changes.length === 0 ? [] : await this.#seenTo(source, changes);
    const wrong = changes.filter((change) => !seen.includes(change));
    await this.#learn(seen, now, newPartitions);
    for (const { isRewritten, ...change } of seen) if (isRewritten) this.#tellComputed(change);
    this.#right = wrong.length === 0 ? { digest, hasNew: newTables.length > 0 } : undefined;
    return { wrong, now, newTables };
  }

  async #seenTo(source: Session, changes: readonly StateChange[]): Promise<readonly StateChange[]> {
    await using target = await openSession(this.#ends.target, { signal: this.#context.signal, applicationName: `${sessionName(this.#context.task.id)}/tables` });
    return await isSeenTo(changes, source, target, (change) => this.#tellComputed(change));
  }

  async #learn(changes: readonly StateChange[], now: ReadonlyMap<string, TableState>, followed: readonly string[] = []): Promise<void> {
    const oids = new Set([...changes.flatMap((change) => change.oids), ...followed]);
    if (oids.size === 0) return;
    const { tables, others } = this.#known()!;
    const follows = new Set([...changes.flatMap((change) => change.follows), ...followed]);
    const isTable = (oid: string): boolean => now.has(oid) && !news.has(oid);
    const news = new Set(changes.filter(({ what }) => what === NEW).flatMap((change) => change.oids));
    await this.#keep({
      tables: [...tables.filter(({ oid }) => !oids.has(oid)), ...[...oids].filter(isTable).map((oid) => ({ ...now.get(oid)!, isFollowed: follows.has(oid) }))],
      others: [...others.filter((oid) => !oids.has(oid)), ...news],
    });
  }

  async #keep(known: KnownTables): Promise<void> {
    await using target = await openSession(this.#ends.target, { signal: this.#context.signal, applicationName: `${sessionName(this.#context.task.id)}/tables` });
    await inTransaction(target, async () => {
      await this.#ledger.forget(target, NOTE);
      await this.#ledger.note(target, NOTE, known);
    });
  }

  #tellComputed({ schema, name }: Pick<StateChange, "schema" | "name">): void {
    const object = displayName({ schema, name });
    const message = `table ${object} has values that each side has computed for itself (a default of now() or random(), USING): the rows that were there before may have others on the target; compare it (godwit verify)`;
    this.#context.report({ event: "notice", level: "warning", message, object });
  }

  /** Once: the next run knows it. */
  async #stop(wrong: readonly StateChange[], now: ReadonlyMap<string, TableState>): Promise<never> {
    await this.#learn(wrong, now);
    const told = wrong.slice(0, MOST_TOLD).map((change) => `table ${displayName(change)} ${change.what}`);
    const more = wrong.length > MOST_TOLD ? `; and ${wrong.length - MOST_TOLD} more` : "";
    throw new GodwitError("schema-changed", `${describeEndpoint(this.#ends.source)}: ${told.join("; ")}${more}`, { object: displayName(wrong[0]!), advice: ADVICE });
  }
}

/** Generated columns may come with the rows, or not. */
function isDescribed({ schema, name, columns }: TableState, relation: RelationMessage): boolean {
  const generated = new Set(columns.filter((column) => column[4] !== "").map((column) => column[1]));
  const were = columns.filter((column) => column[4] === "").map((column) => `${column[1]} ${column[2]}`);
  const come = relation.columns.filter((column) => !generated.has(column.name)).map((column) => `${column.name} ${column.typeOid}`);
  return schema === relation.schema && name === relation.name && were.join("\n") === come.join("\n");
}

const MOST_TOLD = 20;
const NEW = "is new: it is not moved";

function newTable({ oid, schema, name }: TableState): StateChange {
  return { schema, name, what: NEW, oids: [oid], follows: [], expected: undefined, isRewritten: false };
}

const ADVICE =
  "No stream tells what this did to the tables' rows. Make the same change on the target where it is not there yet, bring these tables into line (docs/guide/following-changes.md says how, also for rows that do not come), and compare them (godwit verify). Then retry the task: it goes on from there, and asks again only for tables whose changes still do not come.";
