import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { sessionSettings } from "./session-settings.ts";

const settings = "SET default_tablespace = ''; SET default_table_access_method = heap;";

it("leaves default_table_access_method out for targets older than 12", () => {
  expect(outcomeOf(sessionSettings, entryOf("TABLE", "CREATE TABLE s.x ();", { settings }), 18, 11)).toEqual({ settings: "SET default_tablespace = '';" });
  expect(outcomeOf(sessionSettings, entryOf("TABLE", "CREATE TABLE s.x ();", { settings }), 18, 12)).toBeUndefined();
});

it("says so when a table changes its access method", () => {
  const columnar = settings.replace("heap", "columnar");
  expect(outcomeOf(sessionSettings, entryOf("TABLE", "CREATE TABLE s.x ();", { settings: columnar }), 18, 11)?.note).toBe("stored as heap instead of columnar");
  expect(outcomeOf(sessionSettings, entryOf("FUNCTION", "CREATE FUNCTION …", { settings: columnar }), 18, 11)?.note).toBeUndefined();
});
