import { expect, it } from "vitest";
import { splitStatements } from "../sql-text.ts";
import { extensionComments } from "./extension-comments.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

it("lets others keep their comments, whatever they say", () => {
  const comment = (text: string) => entryOf("COMMENT", `COMMENT ON EXTENSION hstore IS '${text}';`);
  expect(outcomeOf(extensionComments, comment("pairs; and sets"), 18, 18)).toEqual({
    sql: "DO $body$ BEGIN COMMENT ON EXTENSION hstore IS 'pairs; and sets'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $body$;",
  });
  const odd = outcomeOf(extensionComments, comment("$body$ $body_$ ''"), 18, 18)?.sql ?? "";
  expect(odd).toMatch(/^DO \$body__\$ .* \$body__\$;$/);
  expect(splitStatements(odd)).toHaveLength(1);
  expect(outcomeOf(extensionComments, entryOf("COMMENT", "COMMENT ON TABLE s.t IS 'x';"), 18, 18)).toBeUndefined();
});
