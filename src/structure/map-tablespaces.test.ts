import { expect, it } from "vitest";
import type { Entry } from "./entry.ts";
import { mapTablespaceSettings, mapTablespaces, tablespaceOf } from "./map-tablespaces.ts";

function entry(settings: string): Entry {
  return { dumpId: 1, catalogOid: "1259", oid: "1", name: "x", type: "TABLE", schema: "s", owner: "-", dependencies: [], section: "pre", settings, sql: "CREATE TABLE s.x ();" };
}

it("maps tablespaces by name, and the others to the default", () => {
  const [fast, odd, none, nothing] = mapTablespaces(
    ["SET default_tablespace = fast; SET default_table_access_method = heap;", 'SET default_tablespace = "Odd ""x""; y";', "SET default_tablespace = '';", ""].map(entry),
    { 'Odd "x"; y': "New $& one" },
  );
  expect(fast?.settings).toBe("SET default_tablespace = ''; SET default_table_access_method = heap;");
  expect(odd?.settings).toBe('SET default_tablespace = "New $& one";');
  expect(none?.settings).toBe("SET default_tablespace = '';");
  expect(nothing?.settings).toBe("");
});

it("knows which tablespace an entry is to lie in", () => {
  expect(tablespaceOf(entry('SET default_tablespace = "Odd ""x""; y";'))).toBe('Odd "x"; y');
  expect(tablespaceOf(entry("SET default_tablespace = '';"))).toBeUndefined();
});

it("maps what roles and databases set, and takes out what is not mapped", () => {
  const mapped = (name: string, value: string) => {
    const { settings, notes } = mapTablespaceSettings([{ name, value }], { "Fast, one": "nvme", slow: 'S"D' }, () => "role r");
    return [settings[0]?.value, ...notes];
  };
  expect(mapped("default_tablespace", "Fast, one")).toEqual(["nvme"]);
  expect(mapped("default_tablespace", "gone")).toEqual([undefined, "role r: setting default_tablespace: tablespace gone is not mapped and left out."]);
  expect(mapped("default_tablespace", "")).toEqual([""]);
  expect(mapped("default_tablespace", "pg_default")).toEqual(["pg_default"]);
  expect(mapped("temp_tablespaces", '"Fast, one", gone, slow, ""')).toEqual([
    '"nvme", "S""D", ""',
    "role r: setting temp_tablespaces: tablespace gone is not mapped and left out.",
  ]);
  expect(mapped("temp_tablespaces", "gone")).toEqual([undefined, "role r: setting temp_tablespaces: tablespace gone is not mapped and left out."]);
  expect(mapped("temp_tablespaces", "")).toEqual([""]);
  expect(mapped("work_mem", "slow")).toEqual(["slow"]);
});
