import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { storageParameters } from "./storage-parameters.ts";

it("leaves out what the target does not know, and keeps the rest", () => {
  const table = "CREATE TABLE s.x (\n    a text\n)\nWITH (fillfactor='70', vacuum_truncate='false', toast.vacuum_truncate='false');";
  expect(outcomeOf(storageParameters, entryOf("TABLE", table), 18, 11)).toEqual({
    sql: "CREATE TABLE s.x (\n    a text\n)\nWITH (fillfactor='70');",
    note: "vacuum_truncate, toast.vacuum_truncate left out",
  });
  expect(outcomeOf(storageParameters, entryOf("TABLE", table), 18, 12)).toBeUndefined();
});

it("removes an empty WITH, also of an index, whose values are not quoted", () => {
  const index = "CREATE INDEX i ON s.x USING btree (a) WITH (deduplicate_items=off) WHERE (b = 'WITH (deduplicate_items=off)'::text);";
  expect(outcomeOf(storageParameters, entryOf("INDEX", index), 18, 12)?.sql).toBe("CREATE INDEX i ON s.x USING btree (a) WHERE (b = 'WITH (deduplicate_items=off)'::text);");
});

it("knows that vacuum_index_cleanup was a boolean before 14", () => {
  const table = "CREATE TABLE s.x (\n    a text\n)\nWITH (vacuum_index_cleanup='auto');";
  expect(outcomeOf(storageParameters, entryOf("TABLE", table), 18, 13)?.note).toBe("vacuum_index_cleanup left out");
});
