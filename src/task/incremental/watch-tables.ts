import { setTimeout as sleep } from "node:timers/promises";
import { displayName, type NamedRelation } from "../../catalog/catalog.ts";
import { type Ledger, sessionName } from "../../copy/ledger.ts";
import { GodwitError } from "../../errors/godwit-error.ts";
import { choosesObjects } from "../../plan/object-pattern.ts";
import type { Follower } from "../../stream/follower.ts";
import { currentLsn, insertedLsn } from "../../source/source-position.ts";
import { type FormerState, type KnownTable, type KnownTables, type PassingRelation, type StateChange, compareStates, knownTables } from "../../source/state-changes.ts";
import { formerOf, isDescribed, isPassing, mayStillCome, passingOf } from "../../source/described-relations.ts";
import { type TableState, holdsRows, readStatesDigest, readTableStates } from "../../source/table-states.ts";
import { type Endpoint, describeEndpoint } from "../../wire/endpoint.ts";
import { type Lsn, ZERO_LSN } from "../../wire/lsn.ts";
import type { RelationMessage } from "../../wire/pgoutput.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { type Session, openSession } from "../../wire/session.ts";
import { inTransaction } from "../../wire/transaction.ts";
import type { RunContext } from "../run-context.ts";
import { isSeenTo } from "./seen-to.ts";
import type { BegunSlot } from "./source-notes.ts";
import { tellFirst } from "./tell-first.ts";

const NOTE = "known tables";

/**
 * What the source's tables were when the copy was planned, which is what is copied, and which partitions have come, and got rows, until the moment that is copied: hours may lie in between, as a slot
 * waits for whoever writes. `planned`, `atSlot`: sessions that see either; `published`: as it was before the slot was made.
 */
export async function rememberTables(
  { planned, atSlot }: { readonly planned: Session; readonly atSlot: Session },
  ledger: Ledger,
  target: Session,
  followedOids: readonly string[],
  published: ReadonlyMap<string, string>,
): Promise<void> {
  const known = knownTables(await readTableStates(planned, null), followedOids);
  const oids = new Set(known.tables.map(({ oid }) => oid));
  const unplanned: string[] = [];
  for (const state of knownTables(await readTableStates(atSlot, null), followedOids).tables)
    if (!oids.has(state.oid) && (await holdsRows(atSlot, state))) unplanned.push(state.oid);
  await ledger.forget(target, NOTE);
  const tables = known.tables.map((table) => ({ ...table, published: published.get(table.oid) ?? null }));
  await ledger.note(target, NOTE, { ...known, tables, unplanned });
}

/**
 * The names, as `schema\0name`, under which the changes of the followed tables come: of a source before 10 changes are told apart by them (change-decoder.ts). What was renamed since goes by its new name from
 * when that is known.
 */
export function followedNames(ledger: Ledger, planned: readonly NamedRelation[]): ReadonlySet<string> {
  const known = (ledger.value(NOTE) as KnownTables | undefined)?.tables.filter(({ isFollowed, kind }) => isFollowed && kind === "r");
  return new Set((known ?? planned).map(({ schema, name }) => `${schema}\0${name}`));
}

/** A look takes so small a part of the time: of 20,000 tables of 10 columns the digest takes 0.25 s, and where it is another one all of it 2 s. */
const REST = 50;

/**
 * What is done to the tables of the source (DDL, the publication) while they are followed. The stream tells little of it: a table that was dropped and made anew, two that have swapped names, a partition
 * that was detached all look like others, or like nothing. So the catalog is compared with what it was, every few seconds, when a relation comes that is not known, and behind the stop position.
 *
 * What is seen to on the target is taken as it is now: columns and names that are the same on both sides. All else stops the task with `schema-changed`, once: it is known when it was told, so the task
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
  #byOid: { readonly of: KnownTables; readonly tables: ReadonlyMap<string, KnownTable> } | undefined;
  /** Empty partitions that were attached since: the position behind that, or that the source was read anew since. */
  readonly #unread = new Map<string, Lsn | "read anew">();
  #nextAt = 0;
  #turn: Promise<void> = Promise.resolve();
  /** What the task ends with: it is told once, and as it was kept. */
  #stopped: GodwitError | undefined;
  /** Something is wrong; the stream, which tells more exactly before what, has this far to come by itself. */
  #wrongAt: Lsn | undefined;

  constructor(ends: { readonly source: Endpoint; readonly target: Endpoint }, ledger: Ledger, { setup }: BegunSlot, followedOids: readonly string[], context: RunContext) {
    this.#ends = ends;
    this.#ledger = ledger;
    this.#publication = setup.publication;
    this.#followedOids = followedOids;
    this.#context = context;
  }

  /**
   * Looks from time to time. Throws `schema-changed` once everything before the change is on the target. Resolves with whether the source is to be read anew, by another walsender (see `#isUnread`); it
   * is looked at once more behind that.
   */
  async look(source: Session, applied: Lsn): Promise<boolean> {
    if (performance.now() < this.#nextAt) return false;
    let isAnew = false;
    await this.#inTurn(async () => {
      const since = performance.now();
      const compared = await this.#compare(source);
      this.#nextAt = performance.now() + REST * (performance.now() - since);
      if (compared.wrong.length === 0) this.#wrongAt = undefined;
      else if (this.#wrongAt === undefined) this.#wrongAt = await currentLsn(source);
      else if (applied >= this.#wrongAt) await this.#stop(compared);
      isAnew = this.#readAnew(applied);
    });
    return isAnew;
  }

  /**
   * A partition that was attached, and is empty, but may not come by the walsender that reads now: of 13 and 14, one that has seen rows of a table before it was attached does not send those that come later (it
   * keeps what is published until it ends; they may have been deleted since). So one that has begun behind the attaching must read: only when the table is empty then, it is no matter.
   */
  #isUnread(source: Session, { oid }: TableState, until: Lsn): boolean {
    if (source.versionNum >= KEEPS_PUBLISHED_BEFORE || this.#publication === null) return false;
    const unread = this.#unread.get(oid);
    if (unread === undefined) this.#unread.set(oid, until);
    return unread !== "read anew";
  }

  /** Whether the source is to be read anew: what is on the target holds the attaching of partitions that were not read anew yet. */
  #readAnew(applied: Lsn): boolean {
    const attached = [...this.#unread].filter(([, at]) => at !== "read anew" && applied >= at);
    for (const [oid] of attached) this.#unread.set(oid, "read anew");
    return attached.length > 0;
  }

  /**
   * The stream is about to bring rows of a relation, of a transaction that was committed there. Throws `schema-changed` where it is not the table that it was, before any of these is applied: also where the
   * catalog is as it was, as what was changed, written to, and changed back leaves no other trace.
   */
  async meet(relation: RelationMessage, committedAt: Lsn): Promise<void> {
    if (this.#publication === null) return; // test_decoding numbers relations by itself
    const { id, schema, name } = relation;
    const known = this.#table(String(id));
    if (known !== undefined && isDescribed(known, relation)) return;
    await this.#inTurn(async () => {
      await using source = await openSession(this.#ends.source, { signal: this.#context.signal });
      for (let attempt = 1; ; attempt++) {
        const compared = await this.#compare(source);
        const its = compared.wrong.filter(
          (change) => change.oids.some((oid) => oid === String(id) || this.#known()?.unplanned?.includes(oid)) || (change.schema === schema && change.name === name),
        );
        if (its.length > 0) await this.#stop({ ...compared, wrong: its });
        if (this.#mayCome(relation, committedAt)) return;
        if (attempt === ATTEMPTS) await this.#stopFor(relation, source);
        await sleep(PAUSE_MS, undefined, { signal: this.#context.signal });
      }
    });
  }

  #mayCome(relation: RelationMessage, committedAt: Lsn): boolean {
    const { tables, passing = [] } = this.#known()!;
    if (isPassing(passing, relation, committedAt)) return true;
    const known = this.#table(String(relation.id));
    if (known !== undefined) return isDescribed(known, relation) || mayStillCome(known, relation, committedAt);
    return !tables.some(({ schema, name }) => schema === relation.schema && name === relation.name); // else the target says whether it has such a table
  }

  async #stopFor(relation: RelationMessage, source: Session): Promise<never> {
    const { id, schema, name, columns } = relation;
    const known = this.#table(String(id));
    const were = columns.map((column) => quoteIdentifier(column.name)).join(", ");
    const what = `was called ${displayName({ schema, name })} for a while, with the columns ${were}, and rows were written to it: it is not so any more`;
    const change: StateChange = { ...newTable({ ...known, oid: String(id), schema: known?.schema ?? schema, name: known?.name ?? name }), what, oids: [] };
    return await this.#stop({ ...NOTHING_OTHER, wrong: [change] }, passingOf(relation, await insertedLsn(source)));
  }

  /**
   * At Complete: nothing may be wrong. New tables, which nobody follows, are told, too. Before it is told, the stream comes by what is wrong: it may say more exactly what.
   */
  async lookLast(source: Session, follower: Follower): Promise<void> {
    let isWrong = false;
    await this.#inTurn(async () => {
      const { wrong, isUnread } = await this.#compareLast(source);
      isWrong = wrong.length > 0 || isUnread;
    });
    if (!isWrong) return;
    await follower.reaches(await currentLsn(source), this.#context.signal); // not in turn: it may have to meet tables
    if (this.#readAnew(follower.applied)) await follower.beginAnew();
    await this.#inTurn(async () => {
      const compared = await this.#compareLast(source);
      if (compared.wrong.length > 0) await this.#stop(compared);
    });
  }

  async #compareLast(source: Session): Promise<Compared> {
    const { include, exclude } = this.#context.options;
    const compared = await this.#compare(source, true);
    return { ...compared, wrong: [...compared.wrong, ...(choosesObjects([...include, ...exclude]) ? [] : compared.newTables.map(newTable))] };
  }

  /** One at a time: each learns from what the one before has noted. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#turn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      if (this.#stopped !== undefined) throw this.#stopped;
      await work();
    } finally {
      resolve();
    }
  }

  #table(oid: string): KnownTable | undefined {
    const known = this.#known();
    if (known === undefined) return undefined;
    if (this.#byOid?.of !== known) this.#byOid = { of: known, tables: new Map(known.tables.map((table) => [table.oid, table])) };
    return this.#byOid.tables.get(oid);
  }

  #known(): KnownTables | undefined {
    return this.#ledger.value(NOTE) as KnownTables | undefined;
  }

  /** What is wrong; what is not is known from here on. */
  async #compare(source: Session, tellsNew = false): Promise<Compared> {
    const digest = await readStatesDigest(source, this.#publication);
    if (digest === this.#right?.digest && !(tellsNew && this.#right.hasNew)) return NOTHING_OTHER;
    const now = await readTableStates(source, this.#publication);
    const known = this.#known();
    // A task of a Godwit that did not know this yet.
    if (known === undefined) {
      await this.#keep(knownTables(now, this.#followedOids));
      return NOTHING_OTHER;
    }
    const before = new Set(known.tables.map(({ oid }) => oid));
    const attached = [...now.values()].filter((state) => state.wasAttached && !before.has(state.oid) && before.has(state.parent!));
    const until = await insertedLsn(source);
    let isUnread = false;
    for (const state of attached) {
      if (await holdsRows(source, state)) continue;
      if (this.#isUnread(source, state, until)) isUnread = now.delete(state.oid);
      else now.set(state.oid, { ...state, wasAttached: false });
    }
    const { changes, newPartitions, newTables, quiet } = compareStates(known, now, this.#publication);
    if (quiet.length > 0) {
      const news = new Map(quiet.map((table) => [table.oid, table]));
      await this.#keep({ ...known, tables: known.tables.map((table) => news.get(table.oid) ?? table) });
    }
    const seen = changes.length === 0 ? [] : await this.#seenTo(source, changes);
    const wrong = changes.filter((change) => !seen.includes(change));
    for (const { isRewritten, ...change } of seen) if (isRewritten) this.#tellComputed(change);
    const learnt = this.#learnt(seen, now, until, newPartitions);
    if (learnt !== undefined) await this.#keep(learnt);
    this.#right = wrong.length === 0 && !isUnread ? { digest, hasNew: newTables.length > 0 } : undefined;
    return { wrong, now, newTables, until, isUnread };
  }

  async #seenTo(source: Session, changes: readonly StateChange[]): Promise<readonly StateChange[]> {
    await using target = await this.#openTarget();
    return await isSeenTo(changes, source, target, (change) => this.#tellComputed(change));
  }

  /** What is known when these changes are; undefined: what was. `until`: no row that was committed behind it comes as it was before them. */
  #learnt(changes: readonly StateChange[], now: ReadonlyMap<string, TableState>, until: Lsn, followed: readonly string[] = []): KnownTables | undefined {
    const oids = new Set([...changes.flatMap((change) => change.oids), ...followed]);
    if (oids.size === 0) return undefined;
    const { tables, others, ...rest } = this.#known()!;
    const follows = new Set([...changes.flatMap((change) => change.follows), ...followed]);
    const isTable = (oid: string): boolean => now.has(oid) && !news.has(oid);
    const news = new Set(changes.filter(({ what }) => what === NEW).flatMap((change) => change.oids));
    // Where a name means something else now, nobody can say what the name of a former row means.
    const renamed = new Set(changes.filter(({ expected }) => expected === undefined).flatMap((change) => change.oids));
    const formersOf = (oid: string): readonly FormerState[] => {
      const before = this.#table(oid);
      if (before === undefined) return [formerOf({ ...now.get(oid)!, columns: [] }, until)]; // what it was since it came is not known
      return renamed.has(oid) ? [] : [...(before.formers ?? []), formerOf(before, until)];
    };
    return {
      ...rest,
      tables: [
        ...tables.filter(({ oid }) => !oids.has(oid)),
        ...[...oids].filter(isTable).map((oid) => ({ ...now.get(oid)!, isFollowed: follows.has(oid), formers: formersOf(oid) })),
      ],
      others: [...others.filter((oid) => !oids.has(oid)), ...news],
    };
  }

  async #openTarget(): Promise<Session> {
    return await openSession(this.#ends.target, { signal: this.#context.signal, applicationName: `${sessionName(this.#context.task.id)}/tables` });
  }

  async #keep(known: KnownTables): Promise<void> {
    await using target = await this.#openTarget();
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

  /** Once: when it was told, the next run knows it. */
  async #stop({ wrong, now, until }: Compared, passing?: PassingRelation): Promise<never> {
    const told = wrong.slice(0, MOST_TOLD);
    const more = wrong.length > told.length ? `; and ${wrong.length - told.length} more, which are told when the task is retried` : "";
    const message = `${describeEndpoint(this.#ends.source)}: ${told.map((change) => `table ${displayName(change)} ${change.what}`).join("; ")}${more}`;
    const known = this.#learnt(told, now, until) ?? this.#known()!;
    const passes = passing === undefined ? {} : { passing: [...(known.passing ?? []), passing] };
    await using target = await this.#openTarget();
    await tellFirst(this.#ledger, target, NOTE, { ...known, ...passes }, message, this.#context);
    this.#stopped = new GodwitError("schema-changed", message, { object: displayName(wrong[0]!), advice: passing === undefined ? ADVICE : PASSING_ADVICE });
    throw this.#stopped;
  }
}

/** Seen with each major from 13 on (passing-changes.pg.test.ts): 13 and 14 do, 15 and later look again. */
const KEEPS_PUBLISHED_BEFORE = 150000;

/** A walsender sends a commit before others see it, for long where it waits for a standby. */
const ATTEMPTS = 10;
const PAUSE_MS = 100;

/** `wrong`: what nobody has seen to; `until`: what `now` shows was committed before. */
interface Compared {
  readonly wrong: readonly StateChange[];
  readonly newTables: readonly TableState[];
  readonly now: ReadonlyMap<string, TableState>;
  readonly until: Lsn;
  readonly isUnread: boolean;
}

const NOTHING_OTHER: Compared = { wrong: [], newTables: [], now: new Map(), until: ZERO_LSN, isUnread: false };

/** A list that somebody can still read, and go through. */
const MOST_TOLD = 50;
const NEW = "is new: it is not moved";

function newTable({ oid, schema, name }: Pick<TableState, "oid" | "schema" | "name">): StateChange {
  return { schema, name, what: NEW, oids: [oid], follows: [], expected: undefined, isRewritten: false };
}

const PASSING_ADVICE =
  "What was changed was changed back meanwhile, so leave the tables of the target as they are. When the task is retried, the rows of that while go to the table, and the columns, of the target that are called so: bring these tables into line then (docs/guide/following-changes.md says how), and compare them (godwit verify).";

const ADVICE =
  "No stream tells what this did to the tables' rows. Make the same change on the target where it is not there yet, bring these tables into line (docs/guide/following-changes.md says how, also for rows that do not come), and compare them (godwit verify). Then retry the task: it goes on from there, and asks again only for tables whose changes still do not come.";
