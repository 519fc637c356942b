import { expect, it } from "vitest";
import type { Entry } from "./entry.ts";
import { mapTablespaces, tablespaceOf } from "./map-tablespaces.ts";

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
