/** What came of the changes of one table: figures per kind of change. */
export interface TableChanges {
  readonly database: string;
  readonly table: string;
  readonly applied: KindCounts;
  readonly skipped: number;
}

export interface ShownConflict {
  readonly at: string;
  readonly table: string;
  readonly kind: string;
  readonly found: string;
  readonly action: string;
  readonly key: string;
}

/** Inserts, updates, deletes, truncates. */
export type KindCounts = readonly [inserts: number, updates: number, deletes: number, truncates: number];

type Entry = Readonly<Record<string, unknown>>;

/** The API leaves both open, as the target keeps them: what is not there is shown as nothing. */
export function tableChanges(database: string, entry: Entry): TableChanges {
  return { database, table: nameOf(entry), applied: counts(entry["applied"]), skipped: counts(entry["skipped"]).reduce((sum, count) => sum + count, 0) };
}

export function shownConflict(entry: Entry): ShownConflict {
  const { at, kind, found, action, key } = entry;
  const columns = typeof key === "object" && key !== null ? Object.entries(key) : [];
  return {
    at: word(at),
    table: nameOf(entry),
    kind: word(kind),
    found: word(found),
    action: word(action),
    key: columns.map(([name, value]) => `${name}=${value === null ? "NULL" : String(value)}`).join(", "),
  };
}

function nameOf({ schema, name }: Entry): string {
  return `${word(schema)}.${word(name)}`;
}

function counts(value: unknown): KindCounts {
  const [inserts = 0, updates = 0, deletes = 0, truncates = 0] = Array.isArray(value) ? value.map(Number) : [];
  return [inserts, updates, deletes, truncates];
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}
