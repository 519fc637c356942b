import { LEDGER_SCHEMA } from "../copy/ledger.ts";
import { GodwitError } from "../errors/godwit-error.ts";
import { describeEndpoint } from "../wire/endpoint.ts";
import { type Lsn, formatLsn, parseLsn } from "../wire/lsn.ts";
import type { Pipeline, Statement } from "../wire/pipeline.ts";
import type { Session } from "../wire/session.ts";
import { CHANGE_KINDS, type ChangeKind, type KindCounts } from "./batch.ts";

const STREAM = `${LEDGER_SCHEMA}.stream`;
const STREAM_TABLE = `${LEDGER_SCHEMA}.stream_table`;
const CONFLICT = `${LEDGER_SCHEMA}.conflict`;

/** Whose position it is. */
export interface StreamIdentity {
  readonly slot: string;
  /** The ledger's epoch (`Ledger.epoch`): a process of an earlier one cannot commit any more. */
  readonly epoch: number;
  /** Where the slot began: the position while nothing was applied. */
  readonly start: Lsn;
}

/** What came of one table's changes since the stream began. received = applied + skipped, kind by kind. */
export interface TableCounters {
  readonly schema: string;
  readonly name: string;
  readonly received: KindCounts;
  readonly applied: KindCounts;
  readonly skipped: KindCounts;
}

/** What a conflict's record says. */
export interface Conflict {
  readonly schema: string;
  readonly name: string;
  readonly kind: ChangeKind;
  /** What was found on the target instead of what the change expects. */
  readonly found: "row-missing" | "row-exists";
  readonly action: "stopped" | "skipped" | "overwritten";
  /** The columns that the row is known by, as text; of long values the beginning. */
  readonly key: Readonly<Record<string, string | null>>;
}

const TEXT = 25;
const TEXTS = 1009;
const INT4 = 23;
const INT8 = 20;
const INT8S = 1016;
const LSN = 3220;

/** Makes the tables of the stream where they are not yet there. */
async function createTables(target: Session): Promise<void> {
  const counters = CHANGE_KINDS.flatMap((kind) => [`${kind}_received`, `${kind}_applied`, `${kind}_skipped`]).map((name) => `${name} bigint not null default 0`);
  await target.query(`
    create table if not exists ${STREAM} (slot text primary key, epoch integer not null, applied pg_lsn not null, committed_at_us bigint,
      transactions bigint not null default 0, at timestamptz not null default pg_catalog.clock_timestamp()) with (fillfactor = 10);
    create table if not exists ${STREAM_TABLE} (slot text not null, schema text not null, name text not null, ${counters.join(", ")}, primary key (slot, schema, name)) with (fillfactor = 50);
    create table if not exists ${CONFLICT} (id bigserial primary key, slot text not null, after pg_lsn not null, at timestamptz not null default pg_catalog.clock_timestamp(),
      schema text not null, name text not null, kind text not null, found text not null, action text not null, key json not null)`);
}

/** SQL that drops the stream's tables, for the end of a migration: before the ledger's own. */
export function dropStreamSql(): string {
  return `drop table if exists ${STREAM}, ${STREAM_TABLE}, ${CONFLICT}`;
}

/**
 * Takes the position over for an epoch, and tells it: what is applied up to there is there, all of it, and nothing behind it. A transaction of an epoch before
 * that is about to move it is waited for; later ones of that epoch fail. Throws `fenced` when a later epoch has it already.
 */
export async function takePosition(target: Session, { slot, epoch, start }: StreamIdentity): Promise<Lsn> {
  await createTables(target);
  const [row] = await target.query<{ applied: string }>(
    `insert into ${STREAM} as s (slot, epoch, applied) select $1, $2, $3::pg_lsn where exists (select from ${LEDGER_SCHEMA}.task where epoch = $2)
       on conflict (slot) do update set epoch = excluded.epoch where s.epoch <= excluded.epoch
     returning applied::text as applied`,
    [slot, epoch, formatLsn(start)],
  );
  if (row === undefined) throw fenced(target);
  return parseLsn(row.applied);
}

/** The applied position as it is stored; undefined when there is none. */
export async function storedPosition(target: Session, slot: string): Promise<Lsn | undefined> {
  const [there] = await target.query<{ there: boolean }>(`select pg_catalog.to_regclass('${STREAM}') is not null as there`);
  if (there?.there !== true) return undefined;
  const [row] = await target.query<{ applied: string }>(`select applied::text as applied from ${STREAM} where slot = $1`, [slot]);
  return row === undefined ? undefined : parseLsn(row.applied);
}

/** The slots whose changes come to this database; none where nothing is followed, or not yet. */
export async function readStreams(target: Session): Promise<string[]> {
  const [there] = await target.query<{ there: boolean }>(`select pg_catalog.to_regclass('${STREAM}') is not null as there`);
  return there?.there === true ? (await target.query<{ slot: string }>(`select slot from ${STREAM} order by slot`)).map(({ slot }) => slot) : [];
}

/** The counters of all tables of a stream, by name. */
export async function readCounters(target: Session, slot: string): Promise<TableCounters[]> {
  return (await target.query<CountersRow>(`select * from ${STREAM_TABLE} where slot = $1 order by schema, name`, [slot])).map(toCounters);
}

const SKIPPED = CHANGE_KINDS.map((kind) => `${kind}_skipped`).join(" + ");
const ORDERS = { name: [], insert: ["insert_applied"], update: ["update_applied"], delete: ["delete_applied"], truncate: ["truncate_applied"], skipped: [SKIPPED] } as const;

/** How the tables of a stream are narrowed, ordered, and cut into pages. */
export interface CountersPage {
  /** Part of the name with its schema. */
  readonly search?: string | undefined;
  readonly sort: keyof typeof ORDERS;
  readonly isDescending: boolean;
  readonly limit: number;
  readonly offset: number;
}

/** The counters of some tables of a stream, and how many tables fit. */
export async function readCountersPage(target: Session, slot: string, page: CountersPage): Promise<{ total: number; tables: TableCounters[] }> {
  const where = "slot = $1 and ($2::text is null or pg_catalog.strpos(lower(schema || '.' || name), lower($2)) > 0)";
  const values = [slot, page.search ?? null];
  const direction = page.isDescending ? "desc" : "asc";
  const order = [...ORDERS[page.sort].map((figure) => `${figure} ${direction}`), ...["schema", "name"].map((name) => (page.sort === "name" ? `${name} ${direction}` : name))];
  const [counted] = await target.query<{ total: number }>(`select count(*)::int as total from ${STREAM_TABLE} where ${where}`, values);
  const rows = await target.query<CountersRow>(`select * from ${STREAM_TABLE} where ${where} order by ${order.join(", ")} limit $3 offset $4`, [
    ...values,
    page.limit,
    page.offset,
  ]);
  return { total: counted?.total ?? 0, tables: rows.map(toCounters) };
}

type CountersRow = Readonly<Record<string, string>>;

function toCounters(row: CountersRow): TableCounters {
  const counts = (what: string): KindCounts => CHANGE_KINDS.map((kind) => Number(row[`${kind}_${what}`])) as KindCounts;
  return { schema: row["schema"]!, name: row["name"]!, received: counts("received"), applied: counts("applied"), skipped: counts("skipped") };
}

export interface RecordedConflict extends Conflict {
  readonly at: Date;
  /** The position behind which the change came. */
  readonly after: Lsn;
}

/** The newest conflicts first. */
export async function readConflicts(target: Session, slot: string, most: number): Promise<RecordedConflict[]> {
  const rows = await target.query<Conflict & { at: Date; after: string }>(
    `select at, after::text as after, schema, name, kind, found, action, key from ${CONFLICT} where slot = $1 order by id desc limit $2`,
    [slot, most],
  );
  return rows.map((row) => ({ ...row, after: parseLsn(row.after) }));
}

export function fenced(target: Session): GodwitError {
  return new GodwitError("fenced", `${describeEndpoint(target.endpoint)}: another process has taken this migration over, or the position would go backwards`);
}

/** The statements by which a transaction that applies changes also says so. */
export class PositionStatements {
  readonly #identity: StreamIdentity;
  readonly #move: Statement = {
    sql: `update ${STREAM} set applied = $1, committed_at_us = coalesce($2, committed_at_us), transactions = transactions + $3, at = pg_catalog.clock_timestamp()
           where slot = $4 and epoch = $5 and applied <= $1 and exists (select from ${LEDGER_SCHEMA}.task where epoch = $5)`,
    parameterTypes: [LSN, INT8, INT8, TEXT, INT4],
  };
  readonly #hold: Statement = { sql: `select from ${STREAM} where slot = $1 and epoch = $2 for update`, parameterTypes: [TEXT, INT4] };
  readonly #count: Statement = {
    sql: `insert into ${STREAM_TABLE} as t (slot, schema, name, ${COUNTERS.join(", ")})
          select $1, k.* from rows from (pg_catalog.unnest($2), pg_catalog.unnest($3), ${COUNTERS.map((_, at) => `pg_catalog.unnest($${4 + at})`).join(", ")}) k
              on conflict (slot, schema, name) do update set ${COUNTERS.map((name) => `${name} = t.${name} + excluded.${name}`).join(", ")}`,
    parameterTypes: [TEXT, TEXTS, TEXTS, ...COUNTERS.map(() => INT8S)],
  };
  readonly #conflict: Statement = {
    sql: `insert into ${CONFLICT} (slot, after, schema, name, kind, found, action, key) values ($1, $2, $3, $4, $5, $6, $7, $8::json)`,
    parameterTypes: [TEXT, LSN, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT],
  };
  readonly #forget: Statement = { sql: `delete from ${CONFLICT} where slot = $1 and action = 'stopped'`, parameterTypes: [TEXT] };

  constructor(identity: StreamIdentity) {
    this.#identity = identity;
  }

  /** Moves the position. Must affect one row: none means that another epoch has it, or that it would go backwards. */
  move(pipeline: Pipeline, applied: Lsn, commitTime: bigint | undefined, transactions: number): void {
    this.#run(pipeline, this.#move, [
      formatLsn(applied),
      commitTime === undefined ? null : String(commitTime),
      String(transactions),
      this.#identity.slot,
      String(this.#identity.epoch),
    ]);
  }

  /** Locks the position for a transaction that will take long: another epoch waits for its end. Must find one row. */
  hold(pipeline: Pipeline): void {
    this.#run(pipeline, this.#hold, [this.#identity.slot, String(this.#identity.epoch)]);
  }

  count(pipeline: Pipeline, counters: readonly TableCounters[]): void {
    const names = [counters.map(({ schema }) => schema), counters.map(({ name }) => name)].map(textArray);
    const numbers = CHANGE_KINDS.flatMap((_, kind) => [
      counters.map(({ received }) => received[kind]),
      counters.map(({ applied }) => applied[kind]),
      counters.map(({ skipped }) => skipped[kind]),
    ]);
    this.#run(pipeline, this.#count, [this.#identity.slot, ...names, ...numbers.map((column) => `{${column.join()}}`)]);
  }

  record(pipeline: Pipeline, conflict: Conflict, after: Lsn): void {
    const { schema, name, kind, found, action, key } = conflict;
    this.#run(pipeline, this.#conflict, [this.#identity.slot, formatLsn(after), schema, name, kind, found, action, JSON.stringify(key)]);
  }

  /** Forgets the conflict that stopped the stream before. */
  forgetStops(pipeline: Pipeline): void {
    this.#run(pipeline, this.#forget, [this.#identity.slot]);
  }

  #run(pipeline: Pipeline, statement: Statement, values: readonly (string | null)[]): void {
    pipeline.bind(statement);
    for (const value of values) pipeline.textParameter(value);
    pipeline.execute();
  }
}

const COUNTERS: readonly string[] = CHANGE_KINDS.flatMap((kind) => [`${kind}_received`, `${kind}_applied`, `${kind}_skipped`]);

function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`).join()}}`;
}
