import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import type { Refusal } from "./attempt.ts";

/** One `ALTER ROLE/DATABASE … SET`, as pg_db_role_setting keeps it. The value may be a secret: never print it. */
export interface Setting {
  readonly name: string;
  readonly value: string;
}

/**
 * Settings whose stored value is a list of quoted names. Given as one string they would be taken for one long name, so each part
 * becomes a literal of its own. This is the server's GUC_LIST_QUOTE flag, which no view shows before PostgreSQL 15; it is
 * fixed for all time (https://www.postgresql.org/docs/current/functions-info.html, pg_settings_get_flags, names the flags).
 */
const QUOTED_LISTS = new Set(["local_preload_libraries", "search_path", "session_preload_libraries", "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories"]);

/** SQL for JSON of `Setting[]` from a `name=value[]` expression, in its own order. */
export function settingsExpression(config: string): string {
  return `coalesce((select pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', pg_catalog.split_part(s.item, '=', 1), 'value', pg_catalog.substr(s.item, pg_catalog.strpos(s.item, '=') + 1)) order by s.n)
    from pg_catalog.unnest(${config}) with ordinality as s(item, n)), '[]')`;
}

/** `<subject> set "name" to value`, where the subject is `alter role "x"`, `alter role "x" in database "d"` or `alter database "d"`. */
export function settingSql(subject: string, setting: Setting): string {
  const parts = QUOTED_LISTS.has(setting.name.toLowerCase()) ? splitNameList(setting.value) : undefined;
  const value = parts === undefined || parts.length === 0 ? quoteLiteral(setting.value) : parts.map(quoteLiteral).join(", ");
  return `${subject} set ${quoteIdentifier(setting.name)} to ${value}`;
}

/** A note for a setting that the target refused. The server's message is left out: it quotes the value. */
export function settingNote(refusal: Refusal): string {
  const { sqlState } = refusal;
  const reason =
    sqlState === "42704" ? "the target does not know this setting" : sqlState === "42501" ? "this account may not set it" : `the target refuses it (SQLSTATE ${sqlState})`;
  return `${refusal.attempt.what}: left out, ${reason}.`;
}

/** Splits `"$user", public, "a,b"`, as the server does: without quotes a name is in small letters; undefined when the text is not such a list. */
export function splitNameList(text: string): string[] | undefined {
  const parts: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^",\s][^,\s]*))\s*(,|$)/gy;
  let separator: string | undefined = ",";
  for (let at = 0; separator === ","; at = pattern.lastIndex) {
    if (parts.length === 0 && text.trim() === "") return parts;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    parts.push(match[1]?.replaceAll('""', '"') ?? match[2]?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) ?? "");
    separator = match[3];
  }
  return parts;
}
