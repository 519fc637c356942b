/**
 * One object of a dump: what pg_dump prints below one header. Applied as a unit, with its own progress and error.
 */
export interface Entry {
  /** pg_dump's own number; `dependencies` refers to it. */
  readonly dumpId: number;
  /** The catalog that holds the object, e.g. "1259" for pg_class, and its oid there; "0" where pg_dump gives none. */
  readonly catalogOid: string;
  readonly oid: string;
  /** pg_dump's tag: "orders", "orders orders_pkey", "f(integer)". Ambiguous where names hold blanks: prefer the oid. */
  readonly name: string;
  /** pg_dump's type: TABLE, INDEX, CONSTRAINT, FK CONSTRAINT, ACL, COMMENT, … */
  readonly type: string;
  /** "-" when the object has no schema. */
  readonly schema: string;
  /** "-" when unknown. */
  readonly owner: string;
  /** dumpIds this entry needs before it. */
  readonly dependencies: readonly number[];
  /** `pre`: before the data. `post`: indexes, constraints, triggers … after it. */
  readonly section: "pre" | "post";
  /** Session settings that pg_dump gave before this entry (default_tablespace, default_table_access_method, …), as SET statements. */
  readonly settings: string;
  /** The SQL text: one or more statements. */
  readonly sql: string;
}
