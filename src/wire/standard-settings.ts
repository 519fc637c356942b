/**
 * Settings that make text the same on every server and keep a server's or role's own defaults from ending or changing our work.
 * The numbers are the first version that knows the setting, and the first that no longer does.
 */
const STANDARD_SETTINGS: readonly (readonly [name: string, value: string, since: number, until?: number])[] = [
  ["search_path", "", 0],
  ["DateStyle", "ISO, YMD", 0],
  ["IntervalStyle", "postgres", 0],
  ["TimeZone", "UTC", 0],
  ["extra_float_digits", "3", 0],
  ["bytea_output", "hex", 0],
  ["array_nulls", "on", 0], // else an unquoted NULL in an array's text is a string
  ["xmloption", "content", 0],
  ["quote_all_identifiers", "off", 0],
  ["lc_monetary", "C", 0], // money is written in this locale
  ["standard_conforming_strings", "on", 0],
  ["synchronize_seqscans", "off", 0],
  ["default_with_oids", "off", 0, 120000], // else tables get a column that the source's have not
  ["statement_timeout", "0", 0],
  ["lock_timeout", "0", 0],
  // Row-level security must never hide rows: with "off" a query fails instead of returning fewer rows.
  // https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-ROW-SECURITY
  ["row_security", "off", 90500],
  ["idle_in_transaction_session_timeout", "0", 90600],
  ["idle_session_timeout", "0", 140000],
  ["transaction_timeout", "0", 170000],
];

type Setting = readonly [name: string, value: string];

/** The standard settings of a server. */
export function standardSettings(versionNum: number): Setting[] {
  return STANDARD_SETTINGS.filter(([, , since, until = Infinity]) => versionNum >= since && versionNum < until).map(([name, value]) => [name, value] as const);
}

/** Those that every server knows: they can be given before its version is known. */
export function settingsOfEveryVersion(): Setting[] {
  return STANDARD_SETTINGS.filter(([, , since, until]) => since === 0 && until === undefined).map(([name, value]) => [name, value] as const);
}
