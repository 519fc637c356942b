import { expect, it } from "vitest";
import { querySyntax } from "./query-syntax.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const view = (query: string) => entryOf("VIEW", `CREATE VIEW s.v AS\n ${query};`);

it.each([
  ["SELECT sum(n) OVER (ORDER BY n GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS g FROM s.t", 11],
  ["SELECT sum(n) OVER (ORDER BY n RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING) AS g FROM s.t", 11],
  ["SELECT id FROM s.t ORDER BY id FETCH FIRST 3 ROWS WITH TIES", 13],
  ["SELECT ('u'::text IS NFC NORMALIZED) AS n", 13],
  ["WITH RECURSIVE t(id) AS (SELECT 1 UNION ALL SELECT t.id FROM t) SEARCH DEPTH FIRST BY id SET seq SELECT id FROM t", 14],
  ["SELECT id FROM s.t GROUP BY DISTINCT ROLLUP(id)", 14],
  ["SELECT j.id FROM (s.a JOIN s.b USING (id) AS j)", 14],
  ["SELECT doc['k'::text] AS k FROM s.t", 14],
  ["SELECT ('{}'::text IS JSON OBJECT) AS o", 16],
  ["SELECT JSON_OBJECT('a' : 1) AS o", 16],
  ["SELECT SYSTEM_USER AS u", 16],
  ["SELECT JSON_VALUE('{}'::jsonb, '$.a') AS v", 17],
  ["SELECT ('2020-01-01'::timestamp with time zone AT LOCAL) AS l", 17],
])("%s is impossible before %i", (query, since) => {
  expect(outcomeOf(querySyntax, view(query), 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(querySyntax, view(query), 18, since)).toBeUndefined();
});

it.each([
  "SELECT sum(n) OVER (ORDER BY n RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS g FROM s.t",
  "SELECT arr[1] AS a, ' WITH TIES'::text AS b, \"JSON_OBJECT(\" AS c FROM s.t",
  "SELECT a.id FROM (s.a JOIN s.b USING (id))",
])("%s is old", (query) => {
  expect(outcomeOf(querySyntax, view(query), 18, 10)).toBeUndefined();
});
