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

const body = (statements: string) => entryOf("FUNCTION", `CREATE FUNCTION s.f() RETURNS integer\n    LANGUAGE sql\n    BEGIN ATOMIC\n ${statements};\nEND;`);

it.each([
  ["MERGE INTO s.t USING s.u ON ((t.a = u.a)) WHEN NOT MATCHED BY SOURCE THEN DELETE", 17],
  ["MERGE INTO s.t USING s.u ON ((t.a = u.a)) WHEN MATCHED THEN DELETE RETURNING MERGE_ACTION() AS merge_action, t.a", 17],
  ["UPDATE s.t SET a = 1 RETURNING old.a, new.a", 18],
  ["INSERT INTO s.t (a) VALUES (1) RETURNING (1 + abs(new.a))", 18],
  ["DELETE FROM s.t RETURNING WITH (OLD AS o) o.a", 18],
])("%s is impossible before %i in a body", (statement, since) => {
  expect(outcomeOf(querySyntax, body(statement), 18, since - 1)?.impossible?.since).toBe(since);
  expect(outcomeOf(querySyntax, body(statement), 18, since)).toBeUndefined();
});

it.each([
  "UPDATE s.t old SET a = 1 RETURNING old.a",
  "INSERT INTO s.t (a) VALUES (1) RETURNING t.old, t.\"RETURNING new.a\", 'new.a'::text",
  "INSERT INTO s.new (a) VALUES (1) RETURNING new.a",
  "INSERT INTO s.t (a) VALUES (1) RETURNING a;\n MERGE INTO s.t USING s.u ON ((t.a = u.a)) WHEN NOT MATCHED THEN DO NOTHING;\n DELETE FROM s.t RETURNING t.a",
])("%s in a body is as old as bodies and MERGE are", (statement) => {
  expect(outcomeOf(querySyntax, body(statement), 18, 15)).toBeUndefined();
});

it("leaves the rows of a rule alone", () => {
  const rule = (row: string) => entryOf("RULE", `CREATE RULE r AS\n    ON INSERT TO s.v DO INSTEAD  INSERT INTO s.t (a)\n  VALUES (new.a)\n  RETURNING ${row}.a;`);
  expect(outcomeOf(querySyntax, rule("new"), 18, 14)).toBeUndefined();
  expect(outcomeOf(querySyntax, rule("old"), 18, 14)?.impossible?.since).toBe(18);
});
