import { GodwitError } from "../errors/godwit-error.ts";
import { displayName } from "../catalog/catalog.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import type { RelationColumn, RelationMessage } from "../wire/pgoutput.ts";
import { INTEGERS, NeedsText, isBinarySafe } from "./binary-types.ts";
import { type RowKey, rowKey } from "./row-key.ts";
import { DEFAULT_EQUALS, type IndexColumn, type TargetTable } from "./target-table.ts";
import { TableStatements } from "./table-statements.ts";

/** Oids from here on are given by each database for itself (https://www.postgresql.org/docs/current/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT). */
const FIRST_UNPINNED_OID = 12000;

/**
 * A table of the source, as one relation message describes it, and the table of the target that its rows go to. Columns are numbered as they come in its tuples;
 * they are matched by name.
 */
export class StreamTable {
  readonly relation: RelationMessage;
  readonly target: TargetTable;
  /** For each column of the tuples its position in the target's columns. */
  readonly targetOf: readonly number[];
  /** The columns of the tuples that are written: all but those that the target generates. */
  readonly written: readonly number[];
  /**
   * The columns by which a row is known, of which no two rows have the same at any moment; undefined where there is none: then rows are matched whole.
   * Ascending.
   */
  readonly key: readonly number[] | undefined;
  /** How each column of the key is compared. */
  readonly keyEquals: readonly Omit<IndexColumn, "column">[];
  /** It has columns that an UPDATE cannot set (GENERATED ALWAYS AS IDENTITY). */
  readonly hasIdentityAlways: boolean;
  /** So it has beside the key: instead of being updated, rows are deleted and inserted again. */
  readonly isReplaced: boolean;
  /** Columns of the target that the source does not have: they get their defaults. */
  readonly lacking: readonly string[];
  /** Many of its rows are found in one pass of an index. */
  readonly isFoundInPass: boolean;
  /** SQL for it, made when first needed. */
  readonly statements: TableStatements;
  /** Its values come in their types' binary format. */
  readonly isBinary: boolean;
  /** Its key is one integer, in binary format. */
  readonly #hasBinaryInteger: boolean;
  /** Batches for which its changes are not merged any more, as the last merge collided. */
  orderedBatches = 0;

  /** Throws `schema-changed` when the two do not match, and `NeedsText` where some type must not come in binary format. */
  constructor(relation: RelationMessage, target: TargetTable | undefined, isBinary = false) {
    if (target === undefined) throw schemaChanged(relation, "the target does not have this table");
    this.relation = relation;
    this.target = target;
    const positions = new Map(target.columns.map((column, at) => [column.name, at]));
    this.targetOf = relation.columns.map((column) => matchColumn(relation, column, target, positions));
    this.written = this.targetOf.flatMap((position, at) => (target.columns[position]!.isGenerated ? [] : [at]));
    this.lacking = target.columns.filter((column, at) => !column.isGenerated && !this.targetOf.includes(at)).map((column) => column.name);
    const required = target.columns.find((column) => this.lacking.includes(column.name) && column.isNotNull && !column.hasDefault);
    if (required !== undefined) throw schemaChanged(relation, `the target's column ${quoteIdentifier(required.name)} is not at the source, and has no default`);
    const key = findKey(relation, target, this.targetOf);
    this.key = key?.map(({ column }) => column);
    this.keyEquals = key ?? [];
    const always = this.written.filter((column) => target.columns[this.targetOf[column]!]!.isIdentityAlways);
    this.hasIdentityAlways = always.length > 0;
    this.isReplaced = always.some((column) => this.key?.includes(column) !== true);
    this.isBinary = isBinary;
    this.#hasBinaryInteger = isBinary && this.key?.length === 1 && INTEGERS.has(relation.columns[this.key[0]!]!.typeOid);
    const keyType = this.key?.length === 1 ? target.columns[this.targetOf[this.key[0]!]!]!.typeOid : 0;
    this.isFoundInPass = INTEGERS.has(keyType) && target.scansForArrays && !target.isPartitioned;
    const isSafe = !isBinary || relation.columns.every(({ typeOid }, at) => isBinarySafe(typeOid, target.columns[this.targetOf[at]!]!.isEnum));
    if (!isSafe) throw new NeedsText(`a column of ${this.display} is of a type of its own`);
    this.statements = new TableStatements(this);
  }

  get display(): string {
    return this.target.display;
  }

  /** Whether a later relation message says the same. */
  isStill(relation: RelationMessage): boolean {
    const { columns } = this.relation;
    return (
      relation.schema === this.relation.schema &&
      relation.name === this.relation.name &&
      relation.replicaIdentity === this.relation.replicaIdentity &&
      relation.columns.length === columns.length &&
      relation.columns.every((column, at) => {
        const before = columns[at]!;
        return column.name === before.name && column.typeOid === before.typeOid && column.typeModifier === before.typeModifier && column.isKey === before.isKey;
      })
    );
  }

  /** The key of a row; undefined when a part of it is not there. */
  keyOf(bytes: Buffer, start: number): RowKey | undefined {
    return rowKey(bytes, start, this.key!, this.#hasBinaryInteger);
  }
}

function matchColumn(relation: RelationMessage, column: RelationColumn, target: TargetTable, positions: ReadonlyMap<string, number>): number {
  const position = positions.get(column.name);
  const found = position === undefined ? undefined : target.columns[position];
  const name = quoteIdentifier(column.name);
  if (position === undefined || found === undefined) throw schemaChanged(relation, `the target does not have its column ${name}`);
  // test_decoding says nothing of types. Those of users have other oids on each side.
  const isKnown = column.typeOid !== 0 && (column.typeOid < FIRST_UNPINNED_OID || found.typeOid < FIRST_UNPINNED_OID);
  if (isKnown && column.typeOid !== found.typeOid) throw schemaChanged(relation, `its column ${name} has another type on the target (${found.type})`);
  if (column.typeOid !== 0 && column.typeModifier !== found.typeModifier)
    throw schemaChanged(relation, `its column ${name} (${found.type}) has another length or precision on the target`);
  return position;
}

/** The error of a table that is not the same on both sides. */
export function schemaChanged(relation: { readonly schema: string; readonly name: string }, what: string): GodwitError {
  const object = displayName(relation);
  return new GodwitError("schema-changed", `table ${object} was changed at the source: ${what}`, { object });
}

/** The target's index that tells rows apart, by the tuple's columns. */
function findKey(relation: RelationMessage, target: TargetTable, targetOf: readonly number[]): { column: number; equals: string; collate: string }[] | undefined {
  if (relation.replicaIdentity === "nothing") return undefined;
  const sourceOf = new Map(targetOf.map((position, at) => [position, at]));
  const usable = target.indexes.filter((index) => index.isUnique && index.isImmediate && index.columns.every(({ column }) => sourceOf.has(column)));
  const sorted = (columns: readonly IndexColumn[]) =>
    columns.map(({ column, equals, collate }) => ({ column: sourceOf.get(column)!, equals, collate })).sort((left, right) => left.column - right.column);
  if (relation.replicaIdentity === "full") {
    // Whole rows come, so any key of the target will do whose columns are never null: with nulls, rows could be alike.
    const index = usable.find(({ columns }) => columns.every(({ column }) => target.columns[column]!.isNotNull));
    return index === undefined ? undefined : sorted(index.columns);
  }
  const wanted = relation.columns.flatMap(({ isKey }, at) => (isKey ? [at] : []));
  if (wanted.length === 0) return undefined;
  const index = usable.find(({ columns }) => columns.length === wanted.length && columns.every(({ column }) => wanted.includes(sourceOf.get(column)!)));
  if (index !== undefined) return sorted(index.columns);
  // Slow, without an index, but right: more than one row with such a key is noticed by its count.
  return wanted.map((column) => {
    const known = target.indexes.flatMap(({ columns }) => columns).find((candidate) => candidate.column === targetOf[column]);
    return { column, equals: known?.equals ?? DEFAULT_EQUALS, collate: known?.collate ?? "" };
  });
}
