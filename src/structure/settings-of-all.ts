import type { Session } from "../wire/session.ts";
import { quoteIdentifier } from "../wire/quote.ts";
import { attemptAll } from "./attempt.ts";
import { mapTablespaceSettings } from "./map-tablespaces.ts";
import { type Setting, settingNote, settingSql, settingsExpression } from "./setting.ts";

/** Settings that would bind the migration's own sessions too, and end it. */
const OURS_TOO = new Set(["default_transaction_read_only", "role"]);
const WHOSE = "all roles (ALTER ROLE ALL)";

/** `ALTER ROLE ALL SET`: of no role, and of no database. https://www.postgresql.org/docs/current/catalog-pg-db-role-setting.html */
export async function readSettingsOfAll(session: Session): Promise<Setting[]> {
  const [row] = await session.query<{ settings: Setting[] }>(
    `select ${settingsExpression("s.setconfig")} as settings from pg_catalog.pg_db_role_setting s where s.setrole = 0 and s.setdatabase = 0`,
  );
  return row?.settings ?? [];
}

/** Sets those that the target does not have, inside an open transaction; returns notes about all others. */
export async function applySettingsOfAll(target: Session, settings: readonly Setting[], tablespaceMap: Readonly<Record<string, string>>): Promise<string[]> {
  if (settings.length === 0) return [];
  const there = new Map((await readSettingsOfAll(target)).map(({ name, value }) => [name, value]));
  const mapped = mapTablespaceSettings(settings, tablespaceMap, () => WHOSE);
  const notes = [...mapped.notes];
  const missing: Setting[] = [];
  for (const setting of mapped.settings) {
    const { name } = setting;
    if (OURS_TOO.has(name.toLowerCase()))
      notes.push(`${WHOSE}: setting ${name}: left out, it would bind the migration too: alter role all set ${quoteIdentifier(name)} … when it is done.`);
    else if (!there.has(name)) missing.push(setting);
    else if (there.get(name) !== setting.value) notes.push(`${WHOSE}: setting ${name}: the target has another value, which is left as it is.`);
  }
  const attempts = missing.map((setting) => ({ sql: settingSql("alter role all", setting), what: `${WHOSE}: setting ${setting.name}` }));
  for (const refusal of await attemptAll(target, attempts)) notes.push(settingNote(refusal));
  return notes;
}
