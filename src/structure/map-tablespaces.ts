import { quoteIdentifier } from "../wire/quote.ts";
import type { Entry } from "./entry.ts";

/** `SET default_tablespace = fast;`: how pg_dump places tables, indexes and materialized views; '' is the database's default. */
const SETTING = /(SET default_tablespace = )('(?:[^']|'')*'|"(?:[^"]|"")*"|[^\s;]+)(?=;)/;

/** The source's tablespace that an entry is to lie in; undefined: the default. */
export function tablespaceOf(entry: Entry): string | undefined {
  const word = SETTING.exec(entry.settings)?.[2];
  if (word === undefined || word === "''") return undefined;
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word;
}

/** Puts the target's names in place of the source's; what is not mapped goes to the database's default tablespace. */
export function mapTablespaces(entries: readonly Entry[], map: Readonly<Record<string, string>>): Entry[] {
  return entries.map((entry) => {
    const tablespace = tablespaceOf(entry);
    if (tablespace === undefined) return entry;
    const name = Object.hasOwn(map, tablespace) ? map[tablespace] : undefined;
    return { ...entry, settings: entry.settings.replace(SETTING, (_, set: string) => `${set}${name === undefined ? "''" : quoteIdentifier(name)}`) };
  });
}
