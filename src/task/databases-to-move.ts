import { GodwitError } from "../errors/godwit-error.ts";
import { matcher } from "../plan/match-pattern.ts";
import { type InstanceDatabase, databasesWithoutConnect, readClosedDatabases, readDatabases } from "../structure/databases.ts";
import { type Endpoint, withDatabase } from "../wire/endpoint.ts";
import { type Session, openSession } from "../wire/session.ts";
import type { Report } from "./events.ts";
import type { MigrationOptions } from "../plan/migration-options.ts";

export interface DatabaseMove {
  readonly from: string;
  readonly to: string;
  /** Whether the target has it already. */
  readonly exists: boolean;
  /** How the source defines it, where it moves as a database (owner, rights, settings …); undefined where only its content moves into another. */
  readonly definition: InstanceDatabase | undefined;
}

/**
 * One database (that of the source URI into that of the target URI, which must exist), or several under their own names:
 * all of an instance, or those that `--include database=…` selects. `postgres` exists everywhere, and is moved only when it holds something.
 * Those that allow no connections cannot be read: they are told as notices.
 */
export async function databasesToMove(source: Session, target: Session, options: MigrationOptions, report: Report): Promise<DatabaseMove[]> {
  const included = options.include.filter((pattern) => pattern.kind === "database");
  if (movesOneDatabase(options)) {
    return [{ from: options.source.database, to: options.target.database, exists: true, definition: undefined }];
  }
  const excluded = options.exclude.filter((pattern) => pattern.kind === "database");
  const all = await readDatabases(source);
  const closed = await readClosedDatabases(source);
  const matches = (patterns: typeof included, name: string): boolean => patterns.some(({ pattern }) => matcher(pattern)(undefined, name));
  const refuse = (pattern: string, message: string): never => {
    throw new GodwitError("object-unknown", message, { object: `database=${pattern}` });
  };
  for (const { pattern } of [...included, ...excluded]) {
    if (![...all.map(({ name }) => name), ...closed].some((name) => matcher(pattern)(undefined, name))) refuse(pattern, `no database at the source matches "${pattern}"`);
  }
  for (const { pattern } of included) {
    if (!all.some(({ name }) => matcher(pattern)(undefined, name))) refuse(pattern, `the database at the source that matches "${pattern}" does not allow connections`);
  }
  const isChosen = (name: string): boolean => (included.length === 0 || matches(included, name)) && !matches(excluded, name);
  const chosen = all.filter(({ name }) => isChosen(name));
  for (const name of closed.filter(isChosen))
    report({ event: "notice", level: "warning", message: `database ${name} of the source does not allow connections and is not moved`, object: name });
  const existing = new Set([...(await readDatabases(target)).map(({ name }) => name), ...(await readClosedDatabases(target))]);
  const moving: InstanceDatabase[] = [];
  for (const database of chosen) {
    if (database.name !== "postgres" || included.length > 0 || (await holdsSomething(withDatabase(options.source, "postgres"), source))) moving.push(database);
  }
  return moving.map((definition) => ({ from: definition.name, to: definition.name, exists: existing.has(definition.name), definition }));
}

/** Whether it is only that of the source URI: nobody has to be asked. */
export function movesOneDatabase({ instance, include }: MigrationOptions): boolean {
  return !instance && include.every(({ kind }) => kind !== "database");
}

/** Also true where the account may not look: then it is told so (precheck source-privileges). */
async function holdsSomething(endpoint: Endpoint, server: Session): Promise<boolean> {
  if ((await databasesWithoutConnect(server, [endpoint.database])).length > 0) return true;
  await using session = await openSession(endpoint);
  const [row] = await session.query<{ something: boolean }>(`
    select exists (select from pg_catalog.pg_class where oid >= 16384 and relnamespace >= 2200 and relkind <> 't')
        or exists (select from pg_catalog.pg_proc where oid >= 16384) or exists (select from pg_catalog.pg_extension where oid >= 16384)
        or exists (select from pg_catalog.pg_namespace where oid >= 16384) or exists (select from pg_catalog.pg_largeobject_metadata) as something`);
  return row?.something ?? false;
}
