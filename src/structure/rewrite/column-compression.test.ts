import { expect, it } from "vitest";
import { columnCompression } from "./column-compression.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("leaves SET COMPRESSION out before 14, with a note", () => {
  const create = "CREATE TABLE s.x (\n    a text DEFAULT '\nALTER TABLE y SET COMPRESSION pglz;\n'\n);\n";
  const outcome = outcomeOf(columnCompression, entryOf("TABLE", `${create}ALTER TABLE ONLY s.x ALTER COLUMN a SET COMPRESSION lz4;\n`), 18, 13);
  expect(outcome).toEqual({ sql: create, note: "column compression left out" });
});
