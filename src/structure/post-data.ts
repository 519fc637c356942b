import { mutation } from "../errors/mutation.ts";
import type { IndexFacts } from "../catalog/read-indexes.ts";
import type { Entry } from "./entry.ts";
import { splitStatements } from "./sql-text.ts";

/** Work that lanes do side by side: an index, or a few small ones; or the validation of one table's foreign keys. */
export interface BuildJob {
  /** What is built, for people: entry names. */
  readonly objects: readonly string[];
  /** One text per object; run in one transaction. */
  readonly statements: readonly string[];
  /** The table whose rows must be there first; undefined: all tables. */
  readonly tableOid: string | undefined;
  /** Size at the source, to begin with the largest. */
  readonly bytes: number;
}

export interface PostData {
  /** Indexes (also those below primary keys and unique constraints), largest first. */
  readonly builds: readonly BuildJob[];
  /** Everything else in pg_dump's order, after all builds: constraints over the built indexes, foreign keys not yet validated, triggers, comments, grants … */
  readonly rest: readonly Entry[];
  /** Foreign keys to validate after that, one job per table. */
  readonly validations: readonly BuildJob[];
  /** Event triggers and what belongs to them: last of all, so that they do not fire for our own statements. */
  readonly last: readonly Entry[];
}

/** Below this size at the source, splitting a constraint in steps costs more than it brings; small builds share a job. */
export const SMALL_BYTES = 1024 * 1024;
const SMALL_PER_JOB = 40;

/** `ALTER TABLE ONLY t ADD CONSTRAINT c PRIMARY KEY (a, b) INCLUDE (c) WITH (…) DEFERRABLE;` in pg_dump's fixed form. */
const UNIQUE_CONSTRAINT =
  /^ALTER TABLE ONLY (?<table>[^\n]+)\n {4}ADD CONSTRAINT (?<name>"(?:[^"]|"")+"|[^\s"]+) (?<kind>PRIMARY KEY|UNIQUE)(?<nulls> NULLS NOT DISTINCT)? \((?<columns>[^\n]*?)\)(?<include> INCLUDE \([^\n]*?\))?(?<storage> WITH \([^\n]*?\))?(?<deferrable> DEFERRABLE(?: INITIALLY DEFERRED)?)?;$/;

/** `ALTER TABLE ONLY t ADD CONSTRAINT c FOREIGN KEY … ;` — with ONLY, so not on a partitioned table, whose foreign keys cannot be NOT VALID before 18. */
const FOREIGN_KEY = /^ALTER TABLE ONLY (?<table>[^\n]+)\n {4}ADD CONSTRAINT (?<name>"(?:[^"]|"")+"|[^\s"]+) (?<definition>FOREIGN KEY [^\n]*);$/;

/**
 * Divides the post-data entries into what can be built side by side and what follows in order.
 * Primary keys and unique constraints are built as unique indexes, then adopted with ADD CONSTRAINT … USING INDEX, because
 * ALTER TABLE would keep the table's other indexes waiting (https://www.postgresql.org/docs/current/sql-altertable.html).
 * `tableBytes` tells the size of a table by the name that pg_dump prints after ALTER TABLE ONLY.
 */
export function planPostData(entries: readonly Entry[], indexes: ReadonlyMap<string, IndexFacts>, foreignKeyTableBytes: (entry: Entry) => number): PostData {
  const builds: BuildJob[] = [];
  const small: { readonly object: string; readonly statement: string; readonly tableOid: string }[] = [];
  const rest: Entry[] = [];
  const last: Entry[] = [];
  const validations = new Map<string, { objects: string[]; statements: string[]; bytes: number }>();
  const lastIds = new Set(entries.filter((entry) => entry.type === "EVENT TRIGGER").map((entry) => entry.dumpId));

  // What pg_dump could only create behind the data (it depends on a primary key), and with it the indexes that may need it.
  const postponed = new Set(entries.filter(({ type }) => type === "MATERIALIZED VIEW" || type === "TABLE").map(({ oid }) => oid));
  let behindFunction = false;
  for (const entry of mutation("constraint validated") ? entries.map((kept) => ({ ...kept, sql: kept.sql.replaceAll(" NOT VALID;", ";") })) : entries) {
    behindFunction ||= entry.type === "FUNCTION" || entry.type === "AGGREGATE";
    const index = indexes.get(entry.oid);
    if (lastIds.has(entry.dumpId) || entry.dependencies.some((id) => lastIds.has(id))) last.push(entry);
    else if ((entry.type === "INDEX" || entry.type === "CONSTRAINT") && index !== undefined && !index.isPartitioned && !behindFunction && !postponed.has(index.tableOid)) {
      if (index.bytes < SMALL_BYTES) small.push({ object: objectName(entry), statement: withSettings(entry, entry.sql), tableOid: index.tableOid });
      else {
        const { build, after } = divide(entry);
        builds.push({ objects: [objectName(entry)], statements: [withSettings(entry, build)], tableOid: index.tableOid, bytes: index.bytes });
        if (after !== "") rest.push({ ...entry, sql: after });
      }
    } else if (entry.type === "FK CONSTRAINT") {
      const key = FOREIGN_KEY.exec(entry.sql)?.groups;
      const bytes = foreignKeyTableBytes(entry);
      if (key === undefined || / NOT (VALID|ENFORCED)$/.test(key["definition"] ?? "") || bytes < SMALL_BYTES) rest.push(entry);
      else {
        const table = key["table"] ?? "";
        rest.push({ ...entry, sql: `${entry.sql.slice(0, -1)} NOT VALID;` });
        const job = validations.get(table) ?? { objects: [], statements: [], bytes: 0 };
        job.objects.push(objectName(entry));
        job.statements.push(`ALTER TABLE ONLY ${table} VALIDATE CONSTRAINT ${key["name"]};`);
        job.bytes += bytes;
        validations.set(table, job);
      }
    } else rest.push(entry);
  }

  // Jobs lock their tables in the order of the oid, so that two of them cannot wait for each other.
  small.sort((a, b) => Number(a.tableOid) - Number(b.tableOid));
  for (let from = 0; from < small.length; from += SMALL_PER_JOB) {
    const group = small.slice(from, from + SMALL_PER_JOB);
    builds.push({ objects: group.map(({ object }) => object), statements: group.map(({ statement }) => statement), tableOid: undefined, bytes: 0 });
  }
  return {
    builds: builds.toSorted((a, b) => b.bytes - a.bytes),
    rest,
    validations: [...validations.values()].map((job) => ({ ...job, tableOid: undefined })).toSorted((a, b) => b.bytes - a.bytes),
    last,
  };
}

/** The part of a large index's or constraint's entry that may run beside others of its table, and what must follow alone. */
function divide(entry: Entry): { build: string; after: string } {
  const key = UNIQUE_CONSTRAINT.exec(splitFirst(entry.sql))?.groups;
  if (entry.type === "CONSTRAINT") {
    if (key === undefined || / WITHOUT OVERLAPS\)/.test(entry.sql)) return { build: entry.sql, after: "" }; // EXCLUDE, WITHOUT OVERLAPS: no USING INDEX for these
    const { table, name, kind, nulls = "", columns, include = "", storage = "", deferrable = "" } = key;
    return {
      build: `CREATE UNIQUE INDEX ${name} ON ${table} USING btree (${columns})${include}${nulls}${storage};`,
      after: [`ALTER TABLE ONLY ${table} ADD CONSTRAINT ${name} ${kind} USING INDEX ${name}${deferrable};`, ...remainder(entry.sql)].join("\n"),
    };
  }
  return { build: splitFirst(entry.sql), after: remainder(entry.sql).join("\n") };
}

function splitFirst(sql: string): string {
  return `${splitStatements(sql)[0] ?? ""};`;
}

function remainder(sql: string): string[] {
  return splitStatements(sql)
    .slice(1)
    .map((statement) => `${statement};`);
}

function withSettings(entry: Entry, sql: string): string {
  return entry.settings === "" ? sql : `${entry.settings} ${sql}`;
}

/** "orders_pkey on public.orders" cannot be told from "orders orders_pkey" where names hold blanks: pg_dump's own words are kept. */
function objectName(entry: Entry): string {
  return `${entry.schema}.${entry.name}`;
}
