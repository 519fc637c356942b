import { expect, it } from "vitest";
import { reservedWords } from "./reserved-words.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("quotes system_user on the way over 16", () => {
  const index = entryOf("INDEX", `CREATE INDEX i ON s.x USING btree (system_user, "system_user") WHERE (system_users <> 'system_user'::text);`);
  expect(outcomeOf(reservedWords, index, 15, 16)?.sql).toBe(`CREATE INDEX i ON s.x USING btree ("system_user", "system_user") WHERE (system_users <> 'system_user'::text);`);
  expect(outcomeOf(reservedWords, entryOf("VIEW", "CREATE VIEW s.v AS\n SELECT system_user;"), 16, 18)).toBeUndefined();
});
