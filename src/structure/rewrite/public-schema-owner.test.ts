import { expect, it } from "vitest";
import { publicOwnerAttempted, publicSchemaOwner } from "./public-schema-owner.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const schema = (owner: string) => entryOf("SCHEMA", `-- *not* creating schema, since initdb creates it\n\n\nALTER SCHEMA public OWNER TO ${owner};`, { name: "public" });

it.each([["postgres", "postgres"], ['"the ""owner"" $1;"', 'the "owner" $1;']])("attempts to give schema public to %s, upwards over 15 only", (quoted, name) => {
  const sql = outcomeOf(publicSchemaOwner, schema(quoted), 14, 15)?.sql ?? "";
  expect(sql).toContain(`DO $body$ BEGIN ALTER SCHEMA public OWNER TO ${quoted}; EXCEPTION WHEN`);
  expect(publicOwnerAttempted({ ...schema(quoted), sql })).toBe(name);
  expect(publicOwnerAttempted(schema(quoted))).toBeUndefined();
  expect(outcomeOf(publicSchemaOwner, schema(quoted), 15, 18)).toBeUndefined();
  expect(outcomeOf(publicSchemaOwner, schema(quoted), 10, 14)).toBeUndefined();
}); // prettier-ignore
