import { expect, it } from "vitest";
import { entryOf } from "./rule-outcome.ts";
import { rewriteEntries } from "./index.ts";

it("lets a schema be there in which an extension is created, and no other", async () => {
  const schema = (name: string, written: string) => ({ ...entryOf("SCHEMA", `CREATE SCHEMA ${written};\n\n\nALTER SCHEMA ${written} OWNER TO postgres;`), name, schema: "-" });
  const extension = { ...entryOf("EXTENSION", `CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA "Ext ""x""";`), name: "hstore", schema: "-" };
  const { entries, notes } = await rewriteEntries([schema(`Ext "x"`, `"Ext ""x"""`), schema("other", "other"), extension], {
    sourceVersionNum: 180000,
    targetVersionNum: 180000,
  });
  expect(entries.map(({ sql }) => sql.split("\n")[0])).toEqual([`CREATE SCHEMA IF NOT EXISTS "Ext ""x""";`, "CREATE SCHEMA other;", extension.sql]);
  expect(notes).toEqual([]);
});
