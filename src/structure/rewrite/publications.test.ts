import { expect, it } from "vitest";
import { publications } from "./publications.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const publication = (options: string) => entryOf("PUBLICATION", `CREATE PUBLICATION "p = truncate" WITH (${options});`);

it("takes truncate from the full list for 10, and names shorter lists", () => {
  const outcome = outcomeOf(publications, publication("publish = 'insert, update, delete, truncate'"), 18, 10);
  expect(outcome).toEqual({ sql: publication("publish = 'insert, update, delete'").sql, note: "truncate is not published" });
  expect(outcomeOf(publications, publication("publish = 'insert, truncate'"), 18, 10)?.impossible?.since).toBe(11);
  expect(outcomeOf(publications, publication("publish = 'insert, truncate'"), 18, 11)).toBeUndefined();
});

it.each([
  ["PUBLICATION", publication("publish = 'insert', publish_via_partition_root = true").sql, 13],
  ["PUBLICATION", publication("publish = 'insert', publish_generated_columns = stored").sql, 18],
  ["PUBLICATION TABLE", "ALTER PUBLICATION p ADD TABLE ONLY s.x (id, t);", 15],
  ["PUBLICATION TABLE", "ALTER PUBLICATION p ADD TABLE ONLY s.x WHERE ((id > 5));", 15],
  ["PUBLICATION TABLES IN SCHEMA", "ALTER PUBLICATION p ADD TABLES IN SCHEMA s;", 15],
])("%s %s is impossible before %i", (type, sql, since) => {
  expect(outcomeOf(publications, entryOf(type, sql), 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(publications, entryOf(type, sql), 18, since)).toBeUndefined();
});

it("lets plain tables pass", () => {
  expect(outcomeOf(publications, entryOf("PUBLICATION TABLE", 'ALTER PUBLICATION p ADD TABLE ONLY s."x (y";'), 18, 10)).toBeUndefined();
});
