import { expect, it } from "vitest";
import type { Entry } from "./entry.ts";
import { actsAsOther, ownerNamed, rolesGranted } from "./named-roles.ts";

function entry(type: string, sql: string): Entry {
  return { dumpId: 1, catalogOid: "0", oid: "0", name: "x", type, schema: "s", owner: "-", dependencies: [], section: "pre", settings: "", sql };
}

it("reads the owner that an entry sets", () => {
  expect(ownerNamed(entry("TABLE", "CREATE TABLE s.x (\n    a integer\n);\n\n\nALTER TABLE s.x OWNER TO alice;"))).toBe("alice");
  expect(ownerNamed(entry("TABLE", 'CREATE TABLE s.x ();\n\n\nALTER TABLE s.x OWNER TO "O\'Neil ""x"" TO; y";'))).toBe('O\'Neil "x" TO; y');
  expect(ownerNamed(entry("INDEX", "CREATE INDEX i ON s.x USING btree (a);"))).toBeUndefined();
  expect(ownerNamed(entry("COMMENT", "COMMENT ON TABLE s.x IS ' OWNER TO bob; no';"))).toBeUndefined();
});

it("reads the roles of grants, default privileges and user mappings", () => {
  const acl =
    'REVOKE ALL ON TABLE s."a TO b" FROM PUBLIC;\nGRANT SELECT ON TABLE s."a TO b" TO "b TO c" WITH GRANT OPTION;\nSET SESSION AUTHORIZATION "b TO c";\nGRANT SELECT ON TABLE s."a TO b" TO dora;\nRESET SESSION AUTHORIZATION;';
  expect(rolesGranted(entry("ACL", acl))).toEqual(["b TO c", "dora"]);
  expect(actsAsOther(entry("ACL", acl))).toBe(true);
  expect(rolesGranted(entry("DEFAULT ACL", "ALTER DEFAULT PRIVILEGES FOR ROLE owner_x IN SCHEMA s GRANT SELECT ON TABLES TO reader;")).toSorted()).toEqual(["owner_x", "reader"]);
  expect(rolesGranted(entry("USER MAPPING", 'CREATE USER MAPPING FOR "Odd R" SERVER far OPTIONS (\n    "user" \'x\'\n);'))).toEqual(["Odd R"]);
  expect(rolesGranted(entry("USER MAPPING", "CREATE USER MAPPING FOR public SERVER far;"))).toEqual([]);
  expect(rolesGranted(entry("TABLE", "CREATE TABLE s.x ();"))).toEqual([]);
});
