/**
 * What is in one database, as far as a migration decides on it. Read by `readCatalog`; plain data, so that planning is
 * pure. Object ids (oid) are strings of digits: they join a catalog row with its pg_dump entry.
 */
export interface Catalog {
  readonly database: DatabaseFacts;
  readonly schemas: readonly SchemaFacts[];
  readonly relations: readonly Relation[];
  readonly types: readonly NamedObject[];
  /** Functions, procedures and aggregates; `name` has no argument list, `signature` has. */
  readonly routines: readonly (NamedObject & { readonly signature: string })[];
  readonly extensions: readonly ExtensionFacts[];
  readonly largeObjects: { readonly count: number };
}

export interface DatabaseFacts {
  readonly name: string;
  /** `server_version_num`. */
  readonly versionNum: number;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  readonly bytes: number;
  readonly isSuperuser: boolean;
  readonly isInRecovery: boolean;
}

export interface SchemaFacts {
  readonly oid: string;
  readonly name: string;
  readonly owner: string;
  /** The extension it belongs to, if any. */
  readonly extension: string | undefined;
}

export interface NamedObject {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
}

export interface ExtensionFacts {
  readonly oid: string;
  readonly name: string;
  readonly version: string;
  readonly schema: string;
  /** Tables of the extension that hold user data (pg_extension_config_dump), with the filter of the rows to move ("" for all). */
  readonly configTables: readonly { readonly relationOid: string; readonly where: string }[];
}

/** pg_class.relkind of the relations that we look at. */
export type RelationKind = "table" | "partitionedTable" | "view" | "materializedView" | "sequence" | "foreignTable";

/** A relation by its names. */
export type NamedRelation = Pick<Relation, "schema" | "name">;

export interface Relation extends NamedObject {
  readonly kind: RelationKind;
  readonly persistence: "permanent" | "unlogged";
  /** The extension it belongs to, if any: its structure then comes with CREATE EXTENSION. */
  readonly extension: string | undefined;
  /** Heap + TOAST, without indexes; 0 for relations without storage. */
  readonly bytes: number;
  /** Size of all its indexes in bytes. */
  readonly indexBytes: number;
  /** Heap pages now, for cutting by ctid. */
  readonly pages: number;
  /** pg_class.reltuples; -1 or 0 when never analyzed. */
  readonly estimatedRows: number;
  /** Direct parents: partition parent or INHERITS. */
  readonly parents: readonly string[];
  readonly isPartition: boolean;
  /** Materialized views: false when it was created WITH NO DATA or never refreshed. */
  readonly isPopulated: boolean;
  readonly hasRowSecurity: boolean;
  /** Columns that COPY moves, quoted and joined: every column that is neither dropped nor generated; "" when there is none. */
  readonly copyColumns: string;
  /** All of these columns have types whose binary COPY format is the same on every supported version. */
  readonly isBinarySafe: boolean;
  /** A hash partition key over an enum (by itself or in another type): its hash depends on the enum's oid, so rows must be routed through the root again. So must those whose bytes change with the encoding. */
  readonly hashesEnum: boolean;
}

/** `schema.name` as people read it; quoted only where needed. */
export function displayName(object: { readonly schema: string; readonly name: string }): string {
  return `${quotedIfNeeded(object.schema)}.${quotedIfNeeded(object.name)}`;
}

function quotedIfNeeded(text: string): string {
  return /^[a-z_][a-z0-9_$]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
}
