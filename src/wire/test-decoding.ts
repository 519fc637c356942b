import { type Lsn, ZERO_LSN } from "./lsn.ts";
import type { PgoutputMessage, RelationMessage } from "./pgoutput.ts";
import { NEW_TUPLE, type ParsedColumn, ParsedColumns, ParsedRow, TextReader } from "./test-decoding-text.ts";
import type { Tuple } from "./tuple.ts";

/**
 * The options that the decoder relies on; 9.4 knows them. Empty transactions are sent (the default): they move the position.
 * https://www.postgresql.org/docs/current/test-decoding.html
 */
export const TEST_DECODING_OPTIONS: Readonly<Record<string, string>> = { "include-xids": "1", "include-timestamp": "1" };

/** What the source's catalog says of a table and the text does not. */
export type KnownRelation = Pick<RelationMessage, "replicaIdentity" | "columns">;

/** Asked once for each table, when it is met. */
export type RelationLookup = (schema: string, name: string) => KnownRelation | undefined;

/** A larger buffer than this for rows is not kept. */
const KEPT_BYTES = 1024 * 1024;

/**
 * Turns the text of test_decoding into pgoutput's messages, for sources before 10, which have no pgoutput. One decoder serves one stream from its beginning.
 *
 * The text names tables and columns, not their ids: relations are numbered as they are met, one number for each table and list of columns. It does not
 * tell keys and replica identities, and of an old row it shows only what is not null; `lookup` gives that from the catalog. For a table that it does not
 * know, columns have no type (0), the identity is called "default", and what an old row does not show is null.
 *
 * Values and names must be UTF-8. The server sends this plugin's text in the database's own encoding, whatever client_encoding says: see stream/converted-text.ts.
 */
export class TestDecoder {
  readonly #lookup: RelationLookup;
  readonly #tables = new Map<string, Table>();
  readonly #oldRow = new ParsedRow();
  readonly #newRow = new ParsedRow();
  #kept = Buffer.allocUnsafeSlow(64 * 1024);
  #relations = 0;

  constructor(lookup: RelationLookup = () => undefined) {
    this.#lookup = lookup;
  }

  /**
   * What one text says: one message, or relations and the change of them. Tuples are valid until the next call. `walEnd` is what came with the text.
   * A begin does not tell where its commit will be (`finalLsn` is zero).
   * A delete from a table without replica identity has a tuple of no columns. Throws `protocol` with the offset for whatever is not such a text.
   */
  decode(message: Buffer, walEnd: Lsn): readonly PgoutputMessage[] {
    const text = new TextReader(message);
    if (text.skips("table ")) return this.#decodeChange(text);
    if (text.skips("BEGIN")) {
      const xid = text.xid();
      text.expectEnd();
      return [{ kind: "begin", finalLsn: ZERO_LSN, xid }];
    }
    if (text.skips("COMMIT")) {
      text.xid();
      return [{ kind: "commit", endLsn: walEnd, commitTime: text.commitTime() }];
    }
    if (text.skips("message:")) return [{ kind: "message" }];
    throw text.invalid("its kind is not known");
  }

  #decodeChange(text: TextReader): PgoutputMessage[] {
    const table = this.#table(text);
    if (text.skips(": INSERT:")) return this.#decodeInsert(text, table);
    if (text.skips(": UPDATE:")) return this.#decodeUpdate(text, table);
    if (text.skips(": DELETE:")) return this.#decodeDelete(text, table);
    return this.#decodeTruncate(text, table);
  }

  #decodeInsert(text: TextReader, table: Table): PgoutputMessage[] {
    this.#newRow.read(text, table.columns);
    text.expectEnd();
    const [relation, before] = this.#relate(table, this.#newRow, true);
    const newTuple = this.#write(text, table, relation, this.#newRow, 0);
    return [...before, { kind: "insert", relation: relation.id, newTuple }];
  }

  #decodeUpdate(text: TextReader, table: Table): PgoutputMessage[] {
    const hasOld = text.skips(" old-key:");
    if (hasOld) {
      this.#oldRow.read(text, table.columns);
      text.expect(NEW_TUPLE);
    }
    this.#newRow.read(text, table.columns);
    text.expectEnd();
    const [relation, before] = this.#relate(table, this.#newRow, true);
    if (hasOld && !findPlaces(table, relation, this.#oldRow)) throw text.invalid("the old row has a column that the new one has not");
    const newTuple = this.#write(text, table, relation, this.#newRow, 0);
    const oldTuple = hasOld ? this.#write(text, table, relation, this.#oldRow, newTuple.end) : undefined;
    return [...before, { kind: "update", relation: relation.id, oldKind: hasOld ? oldKindOf(relation) : undefined, oldTuple, newTuple }];
  }

  #decodeDelete(text: TextReader, table: Table): PgoutputMessage[] {
    if (text.skips(" (no-tuple-data)")) {
      text.expectEnd();
      this.#newRow.clear();
      const [relation, before] = this.#relate(table, this.#newRow, false);
      return [...before, { kind: "delete", relation: relation.id, oldKind: "key", oldTuple: { bytes: this.#kept, start: 0, end: 0, columns: 0 } }];
    }
    this.#newRow.read(text, table.columns);
    text.expectEnd();
    const [relation, before] = this.#relate(table, this.#newRow, false);
    const oldTuple = this.#write(text, table, relation, this.#newRow, 0);
    return [...before, { kind: "delete", relation: relation.id, oldKind: oldKindOf(relation), oldTuple }];
  }

  #decodeTruncate(text: TextReader, first: Table): PgoutputMessage[] {
    const tables = [first];
    while (text.skips(", ")) tables.push(this.#table(text));
    text.expect(": TRUNCATE:");
    const restartIdentity = text.skips(" restart_seqs");
    const cascade = text.skips(" cascade");
    if (!restartIdentity && !cascade) text.expect(" (no-flags)");
    text.expectEnd();
    this.#newRow.clear();
    const related = tables.map((table) => this.#relate(table, this.#newRow, false));
    const relations = related.map(([relation]) => relation.id);
    return [...related.flatMap(([, before]) => before), { kind: "truncate", relations, cascade, restartIdentity }];
  }

  #table(text: TextReader): Table {
    const key = text.tableKey();
    const found = this.#tables.get(key);
    if (found !== undefined) return found;
    const [schema, name] = text.tableName(key);
    const table = { schema, name, known: this.#lookup(schema, name), columns: new ParsedColumns(), relation: undefined, places: new Map<ParsedColumn, number>() };
    this.#tables.set(key, table);
    return table;
  }

  /** The relation that a row belongs to, and the message that tells of it if it is new. A new row has all columns, an old one some. */
  #relate(table: Table, row: ParsedRow, isWhole: boolean): [RelationMessage, PgoutputMessage[]] {
    const { relation: present, schema, name, known } = table;
    if (present !== undefined && findPlaces(table, present, row) && (!isWhole || countPlaced(table, row) === present.columns.length)) return [present, []];
    table.places.clear();
    const columns = row.columns.map((column) => ({ name: column.name, typeOid: 0, typeModifier: -1, isKey: !isWhole }));
    const identity = known?.replicaIdentity ?? "default";
    const relation = { id: ++this.#relations, schema, name, ...(known !== undefined && fits(known, row, isWhole) ? known : { replicaIdentity: identity, columns }) };
    table.relation = relation;
    findPlaces(table, relation, row);
    return [relation, [{ kind: "relation", relation }]];
  }

  #write(text: TextReader, table: Table, relation: RelationMessage, row: ParsedRow, start: number): Tuple {
    const bound = 2 * (text.bytes.length + 5 * relation.columns.length);
    // The first row of a message sees to it that there is room for the second.
    if (start === 0 && (bound > this.#kept.length || this.#kept.length > KEPT_BYTES)) this.#kept = Buffer.allocUnsafeSlow(Math.max(bound, 64 * 1024));
    return row.write(text.bytes, table.places, relation.columns.length, this.#kept, start);
  }
}

interface Table {
  readonly schema: string;
  readonly name: string;
  readonly known: KnownRelation | undefined;
  readonly columns: ParsedColumns;
  /** What the last change belonged to; undefined before the first. */
  relation: RelationMessage | undefined;
  /** Which column of the relation a column of the text is; -1: none, it is left out. */
  readonly places: Map<ParsedColumn, number>;
}

function oldKindOf(relation: RelationMessage): "key" | "full" {
  return relation.replicaIdentity === "full" ? "full" : "key";
}

/** Finds which columns of the relation a row has; whether it has no others. */
function findPlaces(table: Table, relation: RelationMessage, row: ParsedRow): boolean {
  for (const column of row.columns) {
    if (table.places.has(column)) continue;
    const place = placeOf(relation, column);
    if (place === undefined) return false;
    table.places.set(column, place);
  }
  return true;
}

function countPlaced(table: Table, row: ParsedRow): number {
  let count = 0;
  for (const column of row.columns) if (table.places.get(column)! >= 0) count++;
  return count;
}

function fits(known: KnownRelation, row: ParsedRow, isWhole: boolean): boolean {
  const places = row.columns.map((column) => placeOf(known, column));
  return !places.includes(undefined) && (!isWhole || places.filter((place) => place !== -1).length === known.columns.length);
}

function placeOf({ columns }: KnownRelation, column: ParsedColumn): number | undefined {
  const place = columns.findIndex(({ name }) => name === column.name);
  if (place >= 0) return place;
  // Of a table WITH OIDS (before 12) the text shows the oid too; it is no column of the catalog.
  return column.name === "oid" && column.type === "oid" ? -1 : undefined;
}
