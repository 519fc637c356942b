import type { ServerError } from "../errors/from-server.ts";
import type { Statement } from "../wire/pipeline.ts";
import { quoteQualified } from "../wire/quote.ts";
import type { ConstraintElement, DeferrableConstraint } from "./deferrable-constraint.ts";
import type { StreamTable } from "./stream-table.ts";
import type { TargetColumn } from "./target-table.ts";

/** A statement, and which columns of the tuples its parameters hold, in order. */
export interface RowStatement extends Statement {
  /** Columns taken from the row that is written. */
  readonly fromNew: readonly number[];
  /** Columns taken from the row, or key, that is looked for; their parameters come behind those of `fromNew`. */
  readonly fromOld: readonly number[];
}

/**
 * The SQL that writes one table's rows; each text is made once. "Row" statements take one row in single parameters; "rows" statements take many, a column of
 * them in one array parameter each.
 *
 * Parameters have their column's type, so that no text is cast that its own type can read.
 */
export class TableStatements {
  readonly #table: StreamTable;
  readonly #made = new Map<string, RowStatement>();

  constructor(table: StreamTable) {
    this.#table = table;
  }

  insertRow(): RowStatement {
    return this.#once("insert", () => {
      const { written, target } = this.#table;
      const head = `insert into ${target.into}`;
      if (written.length === 0) return { sql: `${head} default values`, fromNew: [], fromOld: [] };
      return { sql: `${head} (${this.#names(written)}) ${this.#overriding()}values (${written.map((_, at) => `$${at + 1}`).join(", ")})`, fromNew: written, fromOld: [] };
    });
  }

  /** In the format of the table's values; https://www.postgresql.org/docs/current/sql-copy.html */
  copyRows(): RowStatement {
    return this.#once("copy", () => {
      const { written, target, isBinary } = this.#table;
      const columns = written.length === 0 ? "" : ` (${this.#names(written)})`;
      return { sql: `copy ${target.into}${columns} from stdin${isBinary ? " with (format binary)" : ""}`, fromNew: written, fromOld: [] };
    }, []); // prettier-ignore
  }

  deleteRow(): RowStatement {
    return this.#once("delete", () => {
      const key = this.#key();
      return { sql: `delete from ${this.#table.target.rowsOf} t where ${this.#keyIs(1)}`, fromNew: [], fromOld: key };
    });
  }

  deleteRows(): RowStatement {
    return this.#once("deletes", () => {
      const key = this.#key();
      return { sql: `delete from ${this.#table.target.rowsOf} t using ${arrays(key.length)} where ${this.#keyIsOf()}`, fromNew: [], fromOld: key };
    }, this.#arrayTypes(this.#key())); // prettier-ignore
  }

  /** Sets all columns of one row but `unchanged`. `isKeyKept`: its key stays as it is, and is not set. */
  updateRow(unchanged: readonly number[], isKeyKept: boolean): RowStatement {
    return this.#once(`update ${isKeyKept} ${unchanged.join()}`, () => {
      const set = this.#settable(unchanged, isKeyKept);
      const key = this.#key();
      if (set.length === 0) return { sql: `select from ${this.#table.target.rowsOf} t where ${this.#keyIs(1)} for no key update`, fromNew: [], fromOld: key };
      return { sql: `update ${this.#table.target.rowsOf} t set ${this.#assign(set, (at) => `$${at + 1}`)} where ${this.#keyIs(set.length + 1)}`, fromNew: set, fromOld: key };
    });
  }

  /**
   * Sets all columns of many rows but `unchanged` and the key. `isHashJoin`: the rows are found by one pass of the index of an integer key, and then joined with what they become, in place of
   * being looked up one by one.
   */
  updateRows(unchanged: readonly number[], isHashJoin = false): RowStatement {
    const set = this.#settable(unchanged, true);
    const key = this.#key();
    return this.#once(`updates ${isHashJoin} ${unchanged.join()}`, () => {
      const { target } = this.#table;
      if (set.length === 0) return { sql: `select from ${target.rowsOf} t, ${arrays(key.length)} where ${this.#keyIsOf()} for no key update of t`, fromNew: [], fromOld: key };
      const assigned = this.#assign(set, (at) => this.#cast(set[at]!, `k.c${key.length + at}`));
      const inPass = isHashJoin ? ` and ${this.#compareKey(() => "any ($1)")}` : "";
      return { sql: `update ${target.rowsOf} t set ${assigned} from ${arrays(key.length + set.length)} where ${this.#keyIsOf()}${inPass}`, fromNew: set, fromOld: key };
    }, this.#arrayTypes([...key, ...set])); // prettier-ignore
  }

  /**
   * One row deleted and inserted again, for columns that no UPDATE sets: the new row has the values of `unchanged` from the old one. The row is gone before the
   * insert sees it: it is driven by what the DELETE returns.
   */
  replaceRow(unchanged: readonly number[]): RowStatement {
    return this.#once(`replace ${unchanged.join()}`, () => this.#replace(unchanged, this.#key(), (first) => this.#keyIs(first)));
  }

  /**
   * One row found by all its values, exactly one of those that are alike. Binary images are compared: they tell 1.0 from 1.00, know NULL as a value, and
   * need no "=" of the type (https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON). An index finds the candidates
   * where there is one, by those of its columns that are not NULL in this row: `notNull`.
   */
  deleteWhole(known: readonly number[], notNull: ReadonlySet<number>): RowStatement {
    const compared = this.#compared(known);
    const indexed = this.#indexed(notNull, compared);
    return this.#once(`delete whole ${compared.join()} ${nameOf(indexed)}`, () => {
      return { sql: `delete from ${this.#table.target.rowsOf} t where ${this.#isWhole(compared, indexed, 1)}`, fromNew: [], fromOld: compared };
    });
  }

  updateWhole(unchanged: readonly number[], known: readonly number[], notNull: ReadonlySet<number>): RowStatement {
    const compared = this.#compared(known);
    const indexed = this.#indexed(notNull, compared);
    return this.#once(`update whole ${unchanged.join()}/${compared.join()} ${nameOf(indexed)}`, () => {
      const { target, hasIdentityAlways } = this.#table;
      if (hasIdentityAlways) return this.#replace(unchanged, compared, (first) => this.#isWhole(compared, indexed, first));
      const set = this.#settable(unchanged, false);
      const where = this.#isWhole(compared, indexed, set.length + 1);
      if (set.length === 0) return { sql: `select from ${target.rowsOf} t where ${where} for no key update`, fromNew: [], fromOld: compared };
      return { sql: `update ${target.rowsOf} t set ${this.#assign(set, (at) => `$${at + 1}`)} where ${where}`, fromNew: set, fromOld: compared };
    });
  }

  /** Deletes what stands in a new row's way in the unique index that has refused it; undefined when the row's columns do not tell that. */
  deleteOccupant({ schema, table, constraint }: ServerError): RowStatement | undefined {
    const { target, targetOf } = this.#table;
    const candidates = [...target.indexes, ...target.partitionIndexes];
    const index = candidates.find((candidate) => candidate.isUnique && candidate.name === constraint && candidate.table === table && candidate.schema === schema);
    const columns = index?.columns.map(({ column }) => targetOf.indexOf(column));
    if (index === undefined || columns === undefined || columns.includes(-1)) return undefined;
    // In its partition only: elsewhere such values are in nobody's way.
    const rowsOf = target.indexes.includes(index) ? target.rowsOf : `only ${quoteQualified(index.schema, index.table)}`;
    return this.#once(`occupant ${rowsOf} ${index.name}`, () => {
      const where = index.columns.map(({ column, equals, collate }, at) => `t.${target.columns[column]!.quoted} ${collate} ${equals} $${at + 1}`);
      return { sql: `delete from ${rowsOf} t where ${where.join(" and ")}`, fromNew: columns, fromOld: [] };
    });
  }

  /**
   * Finds a row that collides with one of many, as these are now, by a deferrable constraint; one is enough. They are looked for by their key; without one by the constraint's own columns, which finds
   * them and may find more: what collides, does.
   */
  colliding(constraint: DeferrableConstraint): RowStatement {
    const { key, keyEquals, written } = this.#table;
    const lookups = (key ?? []).map((column, at) => ({ column, expression: this.#column(column).quoted, operator: keyEquals[at]!.equals, collate: keyEquals[at]!.collate }));
    if (key === undefined) {
      for (const element of constraint.elements) {
        const column = written.find((at) => this.#column(at).name === element.column);
        if (element.isReflexive && column !== undefined) lookups.push({ ...element, column });
      }
    }
    if (lookups.length === 0) return this.collidingAnywhere(constraint);
    const columns = lookups.map(({ column }) => column);
    return this.#once(`colliding ${constraint.rowsOf} ${constraint.name}`, () => {
      const isOne = lookups.map((lookup, at) => same(lookup, `a.l${at}`, this.#cast(lookup.column, `k.c${at}`), key === undefined && constraint.isNullAlike)).join(" and ");
      const sought = sideOf(constraint, lookups.map(({ expression }) => expression)); // prettier-ignore
      return { sql: `select from ${arrays(columns.length)} join ${sought} a on ${isOne} join ${sideOf(constraint)} b on ${collide(constraint)} limit 1`, fromNew: [], fromOld: columns };
    }, this.#arrayTypes(columns)); // prettier-ignore
  }

  /** Finds two rows of the table that collide. */
  collidingAnywhere(constraint: DeferrableConstraint): RowStatement {
    return this.#once(`colliding anywhere ${constraint.rowsOf} ${constraint.name}`, () => {
      return { sql: `select from ${sideOf(constraint)} a join ${sideOf(constraint)} b on ${collide(constraint)} limit 1`, fromNew: [], fromOld: [] };
    });
  }

  #once(name: string, make: () => Omit<RowStatement, "parameterTypes">, types?: readonly number[]): RowStatement {
    let statement = this.#made.get(name);
    if (statement === undefined) {
      const made = make();
      statement = { ...made, parameterTypes: types ?? [...made.fromNew, ...made.fromOld].map((column) => this.#column(column).typeOid) };
      this.#made.set(name, statement);
    }
    return statement;
  }

  #column(column: number): TargetColumn {
    return this.#table.target.columns[this.#table.targetOf[column]!]!;
  }

  #key(): readonly number[] {
    return this.#table.key!;
  }

  #names(columns: readonly number[]): string {
    return columns.map((column) => this.#column(column).quoted).join(", ");
  }

  #overriding(): string {
    return this.#table.written.some((column) => this.#column(column).isIdentityAlways) ? "overriding system value " : "";
  }

  #settable(unchanged: readonly number[], isKeyKept: boolean): number[] {
    const { written, key } = this.#table;
    return written.filter((column) => !unchanged.includes(column) && !(isKeyKept && key!.includes(column)) && !this.#column(column).isIdentityAlways);
  }

  #assign(columns: readonly number[], value: (at: number) => string): string {
    return columns.map((column, at) => `${this.#column(column).quoted} = ${value(at)}`).join(", ");
  }

  #keyIs(firstParameter: number): string {
    return this.#compareKey((at) => `$${firstParameter + at}`);
  }

  #keyIsOf(): string {
    return this.#compareKey((at) => this.#cast(this.#key()[at]!, `k.c${at}`));
  }

  #compareKey(value: (at: number) => string): string {
    const { keyEquals } = this.#table;
    return this.#key().map((column, at) => `t.${this.#column(column).quoted} ${keyEquals[at]!.collate} ${keyEquals[at]!.equals} ${value(at)}`).join(" and "); // prettier-ignore
  }

  #cast(column: number, value: string): string {
    const { isCast, type } = this.#column(column);
    return isCast ? `${value}::${type}` : value;
  }

  #arrayTypes(columns: readonly number[]): number[] {
    return columns.map((column) => this.#column(column).arrayOid);
  }

  /** Columns by which whole rows are compared: what the target computes follows from the others. */
  #compared(known: readonly number[]): number[] {
    return known.filter((column) => !this.#column(column).isGenerated);
  }

  #replace(unchanged: readonly number[], fromOld: readonly number[], where: (firstParameter: number) => string): Omit<RowStatement, "parameterTypes"> {
    const { written, target } = this.#table;
    const given = written.filter((column) => !unchanged.includes(column));
    const values = written.map((column) => (unchanged.includes(column) ? `d.${this.#column(column).quoted}` : `$${given.indexOf(column) + 1}`));
    const sql = `with d as (delete from ${target.rowsOf} t where ${where(given.length + 1)} returning t.*)
      insert into ${target.into} (${this.#names(written)}) ${this.#overriding()}select ${values.join(", ")} from d`;
    return { sql, fromNew: given, fromOld };
  }

  /** The columns of the index that finds a whole row's candidates best, and which of `compared` each is looked up by. */
  #indexed(notNull: ReadonlySet<number>, compared: readonly number[]): readonly Lookup[] {
    const { target, targetOf } = this.#table;
    let best: Lookup[] = [];
    let isBestUnique = false;
    for (const index of target.indexes) {
      const lookups: Lookup[] = [];
      for (const { column, equals, collate } of index.columns) {
        const source = targetOf.indexOf(column);
        const parameter = compared.indexOf(source);
        if (parameter < 0 || !notNull.has(source)) break;
        lookups.push({ left: `t.${target.columns[column]!.quoted} ${collate} ${equals}`, parameter });
      }
      const isUnique = index.isUnique && lookups.length === index.columns.length;
      if ((isUnique && !isBestUnique) || (isUnique === isBestUnique && lookups.length > best.length)) [best, isBestUnique] = [lookups, isUnique];
    }
    return best;
  }

  #isWhole(compared: readonly number[], indexed: readonly Lookup[], firstParameter: number): string {
    const { target } = this.#table;
    // The casts make them records: two row constructors would be compared column by column.
    const image = `row(${compared.map((column) => `t.${this.#column(column).quoted}`).join(", ")})::pg_catalog.record operator(pg_catalog.*=) row(${compared.map((_, at) => `$${firstParameter + at}`).join(", ")})::pg_catalog.record`;
    // A row without columns is like any other.
    const conditions = [...indexed.map(({ left, parameter }) => `${left} $${firstParameter + parameter}`), ...(compared.length === 0 ? [] : [image])];
    const where = conditions.length === 0 ? "" : ` where ${conditions.join(" and ")}`;
    // A ctid is one within its partition.
    if (target.isPartitioned) return `(t.tableoid, t.ctid) in (select t.tableoid, t.ctid from ${target.rowsOf} t${where} limit 1)`;
    return `t.ctid = (select t.ctid from ${target.rowsOf} t${where} limit 1)`;
  }
}

interface Lookup {
  /** `t."column" operator(…)` */
  readonly left: string;
  readonly parameter: number;
}

function nameOf(lookups: readonly Lookup[]): string {
  return lookups.map(({ left, parameter }) => `${left} ${parameter}`).join();
}

/** The rows that a constraint holds for: where each is, its elements, and what it is looked for by. */
function sideOf({ rowsOf, where, elements }: DeferrableConstraint, lookups: readonly string[] = []): string {
  const columns = [...elements.map(({ expression }, at) => `${expression} as e${at}`), ...lookups.map((expression, at) => `${expression} as l${at}`)];
  return `(select tableoid as part, ctid as place, ${columns.join(", ")} from ${rowsOf}${where})`;
}

function collide({ elements, isNullAlike }: DeferrableConstraint): string {
  return [...elements.map((element, at) => same(element, `b.e${at}`, `a.e${at}`, isNullAlike)), "(b.part <> a.part or b.place <> a.place)"].join(" and ");
}

function same({ operator, collate }: Pick<ConstraintElement, "operator" | "collate">, left: string, right: string, isNullAlike: boolean): string {
  const is = `${left} ${collate} ${operator} ${right}`;
  return isNullAlike ? `(${is} or (${left} is null and ${right} is null))` : is;
}

function arrays(count: number): string {
  const numbers = Array.from({ length: count }, (_, at) => at);
  return `(select ${numbers.map((at) => `pg_catalog.unnest($${at + 1}) as c${at}`).join(", ")}) as k`;
}
