import { describe, expect, it } from "vitest";
import { createDatabaseSql, type InstanceDatabase } from "./databases.ts";

const LIBC: InstanceDatabase = {
  name: 'Shop "one"',
  owner: "o",
  encoding: "LATIN1",
  collate: "de_DE",
  ctype: "C",
  localeProvider: "libc",
  locale: null,
  icuRules: null,
  connectionLimit: -1,
  isTemplate: false,
  tablespace: "pg_default",
  grants: null,
  comment: null,
  settings: [],
};
const ICU: InstanceDatabase = { ...LIBC, name: "d", localeProvider: "icu", locale: "de-u-co-phonebk", encoding: "UTF8", collate: "C", ctype: "C" };
const BUILTIN: InstanceDatabase = { ...ICU, localeProvider: "builtin", locale: "C.UTF-8" };

describe("CREATE DATABASE", () => {
  it("names the libc locale on every version, and the provider from 15 on", () => {
    expect(createDatabaseSql(LIBC, 140000, {})).toEqual({ sql: `create database "Shop ""one""" template template0 encoding 'LATIN1' lc_collate 'de_DE' lc_ctype 'C'`, notes: [] });
    expect(createDatabaseSql(LIBC, 150000, {}).sql).toBe(
      `create database "Shop ""one""" template template0 encoding 'LATIN1' locale_provider libc lc_collate 'de_DE' lc_ctype 'C'`,
    );
  });

  it("has ICU from 15 on, and its rules from 16 on", () => {
    expect(createDatabaseSql(ICU, 150000, {}).sql).toBe(
      `create database "d" template template0 encoding 'UTF8' locale_provider icu icu_locale 'de-u-co-phonebk' lc_collate 'C' lc_ctype 'C'`,
    );
    expect(createDatabaseSql(ICU, 140000, {}).problem).toMatch(/^database d: its default collation is ICU's de-u-co-phonebk, which a database of PostgreSQL 14 cannot have/);
    const withRules = { ...ICU, icuRules: "&a < g" };
    expect(createDatabaseSql(withRules, 160000, {}).sql).toMatch(/ icu_rules '&a < g'$/);
    expect(createDatabaseSql(withRules, 150000, {}).problem).toMatch(/rules of its own/);
  });

  it("has the built-in provider from 17 on; its C is libc's before", () => {
    expect(createDatabaseSql(BUILTIN, 170000, {}).sql).toMatch(/ locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C'$/);
    expect(createDatabaseSql(BUILTIN, 160000, {}).problem).toMatch(/C\.UTF-8 is not known to PostgreSQL 16 \(17 knows it\)/);
    expect(createDatabaseSql({ ...BUILTIN, locale: "PG_UNICODE_FAST" }, 170000, {}).problem).toMatch(/18 knows it/);
    const plain = createDatabaseSql({ ...BUILTIN, locale: "C", collate: "en_US" }, 160000, {});
    expect(plain.sql).toMatch(/ locale_provider libc lc_collate 'C' lc_ctype 'C'$/);
    expect(plain.notes).toHaveLength(1);
  });

  it("goes to the tablespace that the map names, else to the default, with a note", () => {
    const database = { ...LIBC, tablespace: "fast" };
    expect(createDatabaseSql(database, 140000, { fast: "SSD" }).sql).toMatch(/ tablespace "SSD"$/);
    const unmapped = createDatabaseSql(database, 140000, {});
    expect(unmapped.sql).not.toMatch(/tablespace/);
    expect(unmapped.notes).toEqual([`database Shop "one": tablespace fast is not mapped; created in the target's default.`]);
  });
});
