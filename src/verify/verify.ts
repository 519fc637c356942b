import { displayName } from "../catalog/catalog.ts";
import type { GodwitError } from "../errors/godwit-error.ts";
import type { Endpoint } from "../wire/endpoint.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { Canonical } from "./canonical.ts";
import { type Cut, type Piece, cutTable, keyTypes } from "./cut.ts";
import { type Digest, type DigestRow, EMPTY_DIGEST, addDigests, digestStatement, readDigest, sameDigest } from "./digest.ts";
import { type Answer, type Lane, inLanes } from "./lane.ts";
import { KeysUnreadable, type LocatedTable } from "./find-rows.ts";
import { locateDifferences } from "./locate.ts";
import type { Suspect, SuspectPiece } from "./suspect.ts";
import { type TableShape, describeColumnDifference, readShapes } from "./table-shape.ts";
import { TypeCatalog } from "./type-catalog.ts";

/** The reason for a materialized view that is filled on the source alone. */
export const NOT_FILLED = "not filled on the target";

/** One table to compare; it has the same name on both sides. */
export interface TablePair {
  readonly schema: string;
  readonly name: string;
  /** Heap + TOAST of the source, for ordering and cutting. */
  readonly bytes: number;
  /** A partitioned table, compared as a whole because its rows lie in other partitions on the target. */
  readonly withPartitions?: boolean;
  /** Only rows that this SQL condition selects; "" or none: all. */
  readonly where?: string;
}

export interface TableDifference {
  /** As people read it: quoted only where needed. */
  readonly table: string;
  /** "row counts differ", "content differs", "missing on the target", "columns differ: …", NOT_FILLED. */
  readonly reason: string;
  readonly sourceRows: number | undefined;
  readonly targetRows: number | undefined;
  /** Up to ten, the first in order where few rows differ (see locate.ts): "id=42: only on the source", "id=42: only on the target", "id=42: differs in columns a, b"; a ctid where no key is. */
  readonly keys: readonly string[];
}

export interface VerifyResult {
  readonly tables: number;
  /** Rows of the source that were compared. */
  readonly rows: number;
  readonly differences: readonly TableDifference[];
  /** Tables that one of the sides did not let us read: neither equal nor different. */
  readonly unreadable: readonly UnreadableTable[];
}

export interface UnreadableTable {
  readonly table: string;
  /** `privilege-missing`, or what else the server said; the message names the server. */
  readonly error: GodwitError;
}

export interface VerifyOptions {
  /** Lanes: each is one session on either side. */
  readonly concurrency: number;
  readonly onTable?: (done: { readonly table: string; readonly rows: number; readonly equal: boolean }) => void;
  /** From pg_export_snapshot: what the source's side is read under. It must stay exported until the end. */
  readonly sourceSnapshot?: string;
  /** Larger tables are cut into parts of about this size (heap + TOAST). */
  readonly chunkBytes?: number;
  readonly signal: AbortSignal;
}

/** What a first look gave: tables whose rows differ are not part of `differences` yet, later looks decide about them (look-again.ts). */
export interface FirstLook extends VerifyResult {
  readonly suspects: readonly Suspect[];
}

/**
 * Compares tables by digests computed inside the servers, in parallel; only digests and the keys of differing rows travel.
 * Read-only. Differences, and tables that cannot be read, are part of the result. Errors: those of opening a session,
 * `connection-lost`, and the signal's reason; no session is left behind.
 */
export async function verifyTables(source: Endpoint, target: Endpoint, tables: readonly TablePair[], options: VerifyOptions): Promise<VerifyResult> {
  const verification = new Verification(tables, options);
  await workThrough(verification, source, target, tables, options);
  return verification.result();
}

/** The same, while changes flow: tables whose rows differ become suspects. */
export async function lookFirst(source: Endpoint, target: Endpoint, tables: readonly TablePair[], options: VerifyOptions): Promise<FirstLook> {
  const suspects: Suspect[] = [];
  const verification = new Verification(tables, options, (suspect) => suspects.push(suspect));
  await workThrough(verification, source, target, tables, options);
  return { ...verification.result(), suspects };
}

async function workThrough(verification: Verification, source: Endpoint, target: Endpoint, tables: readonly TablePair[], options: VerifyOptions): Promise<void> {
  if (tables.length === 0) return;
  const parts = tables.reduce((sum, { bytes }) => sum + Math.max(1, Math.ceil(bytes / chunkBytesOf(options))), 0);
  const { sourceSnapshot, signal } = options;
  await inLanes(source, target, Math.min(options.concurrency, parts), { sourceSnapshot, signal }, async (lane) => await verification.work(lane));
}

const DEFAULT_CHUNK_BYTES = 128 * 1024 * 1024;
/** Tables whose catalog is read at once. */
const BATCH_TABLES = 100;
/** Small tables share a round trip, up to these sums. */
const BUNDLE_TABLES = 40;
const BUNDLE_BYTES = 4 * 1024 * 1024;
const BUNDLE_COLUMNS = 800;
const MOST_KEYS = 10;

function chunkBytesOf(options: VerifyOptions): number {
  return options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
}

/** A table under way: its parts and what they gave so far. */
interface TableRun extends LocatedTable {
  readonly pair: TablePair;
  readonly cut: Cut;
  piecesLeft: number;
  source: Digest;
  target: Digest;
  unreadable: GodwitError | undefined;
  readonly differing: { readonly place: number; readonly rows: number }[];
}

interface Part {
  readonly table: TableRun;
  readonly place: number;
}

/** Digests to be made in one round trip. */
type Job = readonly Part[];

class Verification {
  readonly #options: VerifyOptions;
  readonly #types = new TypeCatalog();
  /** Not planned yet, largest first. */
  readonly #tables: TablePair[];
  readonly #order: ReadonlyMap<string, number>;
  #jobs: Job[] = [];
  #planning: Promise<void> | undefined;
  #rows = 0n;
  #finished = 0;
  readonly #differences: TableDifference[] = [];
  readonly #unreadable: UnreadableTable[] = [];
  readonly #suspect: ((suspect: Suspect) => void) | undefined;

  /** `suspect` takes the tables whose rows differ; without it they are differences. */
  constructor(tables: readonly TablePair[], options: VerifyOptions, suspect?: (suspect: Suspect) => void) {
    this.#options = options;
    this.#suspect = suspect;
    this.#tables = [...tables].sort((a, b) => b.bytes - a.bytes);
    this.#order = new Map(tables.map((table, place) => [displayName(table), place]));
  }

  /** One lane's work: until nothing is left. */
  async work(lane: Lane): Promise<void> {
    for (let job = await this.#next(lane); job !== undefined; job = await this.#next(lane)) {
      await this.#digest(lane, job);
      await lane.finishedTables(job.length);
    }
  }

  result(): VerifyResult {
    const inOrder = (a: { table: string }, b: { table: string }): number => (this.#order.get(a.table) ?? 0) - (this.#order.get(b.table) ?? 0);
    return { tables: this.#finished, rows: Number(this.#rows), differences: this.#differences.sort(inOrder), unreadable: this.#unreadable.sort(inOrder) };
  }

  async #next(lane: Lane): Promise<Job | undefined> {
    for (;;) {
      const job = this.#jobs.shift();
      if (job !== undefined) return job;
      if (this.#planning === undefined) {
        if (this.#tables.length === 0) return undefined;
        this.#planning = this.#plan(lane, this.#tables.splice(0, BATCH_TABLES)).finally(() => (this.#planning = undefined));
      }
      await this.#planning;
    }
  }

  /** Reads the catalogs of a batch of tables and makes jobs of them. */
  async #plan(lane: Lane, pairs: readonly TablePair[]): Promise<void> {
    const [sources, targets] = await Promise.all([readShapes(lane, lane.source, pairs), readShapes(lane, lane.target, pairs)]);
    const types = sources.flatMap((shape) => shape?.columns.map((column) => column.typeOid) ?? []);
    await this.#types.load(types, async (sql, values) => await lane.query(lane.source, { sql, values }));
    const canonical = new Canonical(this.#types, lane.source.versionNum, lane.target.versionNum);
    const bundle = new Bundle((job) => this.#jobs.push(job));
    for (const [place, pair] of pairs.entries()) {
      const [source, target] = [sources[place], targets[place]];
      const obstacle = source === undefined ? "missing on the source" : target === undefined ? "missing on the target" : describeObstacle(source, target);
      if (source === undefined || target === undefined || obstacle !== undefined) {
        this.#finish(pair, { reason: obstacle ?? "", sourceRows: undefined, targetRows: undefined, keys: [] });
        continue;
      }
      const table = startTable(pair, source, canonical, this.#types, await cutTable(lane, this.#types, pair, source, target, chunkBytesOf(this.#options)));
      if (table.piecesLeft === 1) bundle.add(table);
      else this.#jobs.push(...table.cut.pieces.map((_, part) => [{ table, place: part }]));
    }
    bundle.close();
  }

  async #digest(lane: Lane, job: Job): Promise<void> {
    const [first] = job;
    if (first !== undefined && job.length === 1 && first.table.unreadable !== undefined) {
      if (--first.table.piecesLeft === 0) await this.#conclude(lane, first.table);
      return;
    }
    const forms = job.map(({ table, place }) => ({ form: table.form, ...pieceAt(table, place) }));
    const [source, target] = await lane.both<DigestRow & { part: number }>(
      digestStatement(forms.map(({ form, source }) => ({ form, where: source }))),
      digestStatement(forms.map(({ form, target }) => ({ form, where: target }))),
    );
    const unreadable = reasonOf(source) ?? reasonOf(target);
    if (unreadable !== undefined && job.length > 1) {
      // One of them spoils the statement for all: each on its own tells which.
      for (const part of job) await this.#digest(lane, [part]);
      return;
    }
    for (const [place, part] of job.entries()) {
      const { table } = part;
      if (unreadable === undefined) addPiece(part, digestAt(source, place), digestAt(target, place));
      else table.unreadable ??= unreadable;
      if (--table.piecesLeft === 0) await this.#conclude(lane, table);
    }
  }

  /** The last part of a table is in. */
  async #conclude(lane: Lane, table: TableRun): Promise<void> {
    const { pair, source, target } = table;
    if (table.unreadable !== undefined) {
      this.#finished++;
      this.#unreadable.push({ table: displayName(pair), error: table.unreadable });
      return;
    }
    this.#rows += source.rows;
    if (sameDigest(source, target)) {
      this.#finish(pair, undefined, source.rows);
      return;
    }
    if (this.#suspect !== undefined) {
      this.#suspect({ name: displayName(pair), table, pieces: differingPieces(table) });
      this.#finish(pair, undefined, source.rows, false);
      return;
    }
    const counts = { sourceRows: Number(source.rows), targetRows: Number(target.rows) };
    const reason = source.rows === target.rows ? "content differs" : "row counts differ";
    try {
      this.#finish(pair, { reason, ...counts, keys: await nameKeys(lane, table) }, source.rows);
    } catch (error) {
      if (!(error instanceof KeysUnreadable)) throw error;
      this.#finish(pair, { reason: `${reason}; which rows cannot be told: ${error.message}`, ...counts, keys: [] }, source.rows);
    }
  }

  #finish(pair: TablePair, difference: Omit<TableDifference, "table"> | undefined, rows = 0n, equal = difference === undefined): void {
    const table = displayName(pair);
    this.#finished++;
    if (difference !== undefined) this.#differences.push({ table, ...difference });
    this.#options.onTable?.({ table, rows: Number(rows), equal });
  }
}

/** What keeps rows from being compared. */
function describeObstacle(source: TableShape, target: TableShape): string | undefined {
  return describeColumnDifference(source, target) ?? (source.isPopulated && !target.isPopulated ? NOT_FILLED : undefined);
}

/** Gathers small tables into jobs. */
class Bundle {
  readonly #emit: (job: Job) => void;
  #parts: Part[] = [];
  #bytes = 0;
  #columns = 0;

  constructor(emit: (job: Job) => void) {
    this.#emit = emit;
  }

  add(table: TableRun): void {
    const full = this.#bytes + table.pair.bytes > BUNDLE_BYTES || this.#columns + table.columns.length > BUNDLE_COLUMNS || this.#parts.length >= BUNDLE_TABLES;
    if (full) this.close();
    this.#parts.push({ table, place: 0 });
    this.#bytes += table.pair.bytes;
    this.#columns += table.columns.length;
  }

  close(): void {
    if (this.#parts.length > 0) this.#emit(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    this.#columns = 0;
  }
}

function startTable(pair: TablePair, shape: TableShape, canonical: Canonical, types: TypeCatalog, cut: Cut): TableRun {
  return {
    pair,
    form: {
      schema: pair.schema,
      name: pair.name,
      withPartitions: pair.withPartitions ?? false,
      where: pair.where ?? "",
      cells: shape.columns.map(({ name, typeOid }) => canonical.cell(typeOid, `t.${quoteIdentifier(name)}`)),
    },
    columns: shape.columns.map(({ name }) => name),
    key: shape.keys[0] ?? [],
    keyTypes: keyTypes(types, shape, shape.keys[0] ?? []),
    cut,
    piecesLeft: cut.pieces.length,
    source: EMPTY_DIGEST,
    target: EMPTY_DIGEST,
    unreadable: undefined,
    differing: [],
  };
}

function addPiece({ table, place }: Part, source: Digest, target: Digest): void {
  table.source = addDigests(table.source, source);
  table.target = addDigests(table.target, target);
  if (!sameDigest(source, target)) table.differing.push({ place, rows: mostRows(source, target) });
}

/** Where its rows differ: piece by piece where pieces can be compared, else anywhere. */
function differingPieces(table: TableRun): SuspectPiece[] {
  if (!table.cut.isByKey) return [{ piece: WHOLE, rows: mostRows(table.source, table.target) }];
  return table.differing.sort((a, b) => a.place - b.place).map(({ place, rows }) => ({ piece: pieceAt(table, place), rows }));
}

/** The first differing keys. */
async function nameKeys(lane: Lane, table: TableRun): Promise<string[]> {
  const keys: string[] = [];
  for (const { piece, rows } of differingPieces(table)) {
    if (keys.length >= MOST_KEYS) break;
    keys.push(...(await locateDifferences(lane, table, piece, rows, MOST_KEYS - keys.length)));
  }
  return keys;
}

const WHOLE: Piece = { source: undefined, target: undefined };

function pieceAt(table: TableRun, place: number): Piece {
  return table.cut.pieces[place] ?? WHOLE;
}

function reasonOf(answer: Answer<unknown>): GodwitError | undefined {
  return "unreadable" in answer ? answer.unreadable : undefined;
}

function digestAt(answer: Answer<DigestRow & { part: number }>, place: number): Digest {
  const row = "rows" in answer ? answer.rows.find(({ part }) => part === place) : undefined;
  return row === undefined ? EMPTY_DIGEST : readDigest(row);
}

function mostRows(a: Digest, b: Digest): number {
  return Number(a.rows > b.rows ? a.rows : b.rows);
}
