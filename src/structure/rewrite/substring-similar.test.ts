import { expect, it } from "vitest";
import { entryOf, outcomeOf } from "./rule-outcome.ts";
import { substringSimilar } from "./substring-similar.ts";

const view = (query: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n SELECT ${query} AS a\n   FROM s.t;`);

it("writes FROM and FOR before 14, however deep it stands", () => {
  const nested = view(
    `SUBSTRING(SUBSTRING((t.x || ' SIMILAR )'::text) SIMILAR 'b ESCAPE '::text ESCAPE t."a ESCAPE (") SIMILAR '(,"'::text ESCAPE SUBSTRING('#'::text SIMILAR t.y[1] ESCAPE '2'::text))`,
  );
  const old = view(
    `SUBSTRING(SUBSTRING((t.x || ' SIMILAR )'::text) FROM 'b ESCAPE '::text FOR t."a ESCAPE (") FROM '(,"'::text FOR SUBSTRING('#'::text FROM t.y[1] FOR '2'::text))`,
  );
  expect(outcomeOf(substringSimilar, nested, 18, 13)?.sql).toBe(old.sql);
  expect(outcomeOf(substringSimilar, nested, 18, 14)).toBeUndefined();
});

it("leaves other calls alone", () => {
  const other = view(`SUBSTRING(t.x FROM 1 FOR 2), ' SIMILAR '::text, "SUBSTRING("(t.x)`);
  expect(outcomeOf(substringSimilar, other, 18, 10)?.sql).toBe(other.sql);
});
