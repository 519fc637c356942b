import type { SourceMajor } from "../../../src/embedded/binaries.ts";
import { quoteIdentifier, quoteQualified } from "../../../src/wire/quote.ts";
import type { KeyType } from "./key-types.ts";
import type { ValueType } from "./value-types.ts";

/** What a column holds, and so what may be written into it. */
export type ColumnContent =
  | { readonly kind: "plain"; readonly type: ValueType }
  /** Part of the key, of a unique index, or what a table is partitioned by. */
  | { readonly kind: "key"; readonly type: KeyType }
  | { readonly kind: "identity"; readonly always: boolean }
  | { readonly kind: "reference"; readonly table: string; readonly column: string }
  /** Computed by the server, or written by a trigger: never by the workload. */
  | { readonly kind: "computed" };

export interface Column {
  readonly name: string;
  /** Behind the name in CREATE TABLE. */
  readonly definition: string;
  readonly content: ColumnContent;
  readonly isNullable: boolean;
}

export interface UniqueIndex {
  readonly columns: readonly string[];
  readonly isDeferrable: boolean;
}

/** As pg_class.relreplident: what the source writes of an old row. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY */
export type ReplicaIdentity = "default" | "index" | "full" | "nothing";

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Names of the primary key's columns; none: no primary key. */
  readonly key: readonly string[];
  readonly isKeyDeferrable: boolean;
  readonly unique: readonly UniqueIndex[];
  readonly identity: ReplicaIdentity;
  readonly partitionedBy: "range" | "list" | "hash" | undefined;
  /** Other tables refer to it: TRUNCATE needs CASCADE. */
  readonly isReferenced: boolean;
  readonly isUnlogged: boolean;
  /** Rows at the beginning. */
  readonly rows: number;
}

export interface RandomSchema {
  readonly major: SourceMajor;
  readonly tables: readonly Table[];
  /** To be run one by one: structure and content. */
  readonly statements: readonly string[];
}

/** Quoted, with its schema. */
export function sqlName({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return quoteQualified(schema, name);
}

export function columnList(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(", ");
}

/** Whether the source writes enough of an old row as the table stands: if not, a migration must give it another replica identity first. */
export function hasIdentity({ identity, key, isKeyDeferrable }: Table): boolean {
  if (identity === "default") return key.length > 0 && !isKeyDeferrable;
  return identity !== "nothing";
}

export function columnOf(table: Table, name: string): Column {
  const found = table.columns.find((column) => column.name === name);
  if (found === undefined) throw new Error(`${table.name} has no column ${name}`);
  return found;
}
