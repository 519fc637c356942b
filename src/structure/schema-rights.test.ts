import { expect, it } from "vitest";
import { entryOf } from "./rewrite/rule-outcome.ts";
import { grantSchemasFirst } from "./schema-rights.ts";

const SCHEMA = entryOf("SCHEMA", "CREATE SCHEMA s;\n\n\nALTER SCHEMA s OWNER TO boss;", { name: "s", schema: "-", owner: "boss", dumpId: 6 });
const table = (owner: string) => entryOf("TABLE", `CREATE TABLE s.t (\n    a integer\n);\n\n\nALTER TABLE s.t OWNER TO ${owner};`, { name: "t", owner, dumpId: 9 });
const rights = (sql: string) => entryOf("ACL", sql, { name: "SCHEMA s", schema: "-", owner: "boss", dumpId: 12, dependencies: [6], section: "post", settings: "SET x = 1;" });

it("grants CREATE on schemas in which others own something before these get it, and once more at the end", () => {
  const acl = rights('REVOKE ALL ON SCHEMA s FROM boss;\nGRANT ALL ON SCHEMA s TO app;\nGRANT USAGE ON SCHEMA s TO PUBLIC;\nGRANT CREATE ON SCHEMA s TO "o;x";');
  const [first, second, ...others] = grantSchemasFirst([SCHEMA, table("app"), acl]);
  expect(first).toBe(SCHEMA);
  expect(second).toEqual({
    ...acl,
    dumpId: 13,
    section: "pre",
    settings: "",
    sql: 'GRANT ALL ON SCHEMA s TO app;\nGRANT USAGE ON SCHEMA s TO PUBLIC;\nGRANT CREATE ON SCHEMA s TO "o;x";',
  });
  expect(others).toEqual([table("app"), acl]);
  const odd = { ...rights('GRANT ALL ON SCHEMA "O ""s""" TO app;'), name: 'SCHEMA "O ""s"""' };
  expect(grantSchemasFirst([{ ...table("app"), schema: 'O "s"' }, odd])).toHaveLength(3);
});

it("leaves all as it is where the schema's owner owns all, or nobody may create", () => {
  const lists = [
    [SCHEMA, table("boss"), rights("GRANT ALL ON SCHEMA s TO app;")],
    [SCHEMA, table("app"), rights("GRANT USAGE ON SCHEMA s TO app;")],
    [SCHEMA, table("app")],
    [SCHEMA, table("app"), rights("SET SESSION AUTHORIZATION other;\nGRANT CREATE ON SCHEMA s TO app;\nRESET SESSION AUTHORIZATION;")],
  ];
  for (const entries of lists) expect(grantSchemasFirst(entries)).toBe(entries);
});
