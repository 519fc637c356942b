import { quoteIdentifier } from "../wire/quote.ts";
import type { Entry } from "./entry.ts";
import { type Setting, splitNameList } from "./setting.ts";

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

/** Every server has these; '' is the database's default. */
const EVERYWHERE = new Set(["", "pg_default", "pg_global"]);

/**
 * The same for `ALTER ROLE/DATABASE … SET default_tablespace, temp_tablespaces`. A tablespace that is not mapped is taken out, with a note: the
 * target would warn of it at every login. https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TABLESPACE
 */
export function mapTablespaceSettings<T extends Setting>(
  settings: readonly T[],
  map: Readonly<Record<string, string>>,
  whose: (setting: T) => string,
): { settings: T[]; notes: string[] } {
  const notes: string[] = [];
  const mapped = settings.flatMap((setting): T[] => {
    const isList = setting.name === "temp_tablespaces";
    if (!isList && setting.name !== "default_tablespace") return [setting];
    const names = isList ? (splitNameList(setting.value) ?? []) : [setting.value];
    const known = names.flatMap((name) => (Object.hasOwn(map, name) ? [map[name] ?? ""] : EVERYWHERE.has(name) ? [name] : []));
    const unmapped = names.filter((name) => !Object.hasOwn(map, name) && !EVERYWHERE.has(name));
    for (const name of unmapped) notes.push(`${whose(setting)}: setting ${setting.name}: tablespace ${name} is not mapped and left out.`);
    if (unmapped.length > 0 && known.length === 0) return [];
    return [{ ...setting, value: isList ? known.map(quoteIdentifier).join(", ") : (known[0] ?? "") }];
  });
  return { settings: mapped, notes };
}
