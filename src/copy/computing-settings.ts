import { GodwitError } from "../errors/godwit-error.ts";
import type { Session } from "../wire/session.ts";

/**
 * What the result of a computation may depend on: generated columns, checks and index expressions hide such functions behind IMMUTABLE, and
 * queries of materialized views use them openly. https://www.postgresql.org/docs/current/runtime-config-client.html#RUNTIME-CONFIG-CLIENT-FORMAT
 */
const NAMES = ["TimeZone", "DateStyle", "IntervalStyle", "default_text_search_config", "extra_float_digits", "bytea_output", "xmlbinary", "lc_monetary", "lc_numeric", "lc_time"];
/** Rows travel in one form of text (see STANDARD_SETTINGS of wire/session.ts), which is read alike under all of the others; money is not. */
const CHANGES_WHAT_IS_READ = "lc_monetary";

export type Settings = Readonly<Record<string, string>>;

/** The values that sessions get at the source by server, database and account: our own SETs lie above them. (`reset_val`: https://www.postgresql.org/docs/current/view-pg-settings.html) */
export async function readComputingSettings(source: Session): Promise<Settings> {
  const rows = await source.query<{ name: string; value: string }>(
    "select s.name, s.reset_val as value from pg_catalog.pg_settings s where pg_catalog.lower(s.name) = any($1::pg_catalog.text[])",
    [NAMES.map((name) => name.toLowerCase())],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** Those that the target knows too: it may lack a locale, a time zone, a text search configuration. */
export async function settingsThere(target: Session, settings: Settings): Promise<{ readonly known: Settings; readonly unknown: readonly string[] }> {
  const known: Record<string, string> = {};
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(settings)) {
    try {
      await target.query("select pg_catalog.set_config($1, $2, true)", [name, value]); // outside of a transaction: tried, and gone with the statement
      known[name] = value;
    } catch (error) {
      if (!(error instanceof GodwitError) || target.socket.destroyed) throw error;
      unknown.push(`${name} = ${value}`);
    }
  }
  return { known, unknown };
}

/** For sessions that rows come in by. */
export function forRows(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name !== CHANGES_WHAT_IS_READ));
}
