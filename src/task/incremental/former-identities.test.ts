import { expect, it } from "vitest";
import type { Entry } from "../../structure/entry.ts";
import { withFormerIdentities, withoutReplicaIdentities } from "./former-identities.ts";

const INDEX = `CREATE UNIQUE INDEX i ON public."Odd ""t""" USING btree (a);\n\nALTER TABLE ONLY public."Odd ""t""" REPLICA IDENTITY USING INDEX i;`;
const entry = { sql: INDEX } as Entry;

it("leaves out what the task itself has set, and nothing else", () => {
  expect(withFormerIdentities([entry], [{ schema: "public", name: 'Odd "t"' }])[0]?.sql).toBe(`CREATE UNIQUE INDEX i ON public."Odd ""t""" USING btree (a);`);
  expect(withFormerIdentities([entry], [{ schema: "public", name: "other" }])[0]?.sql).toBe(INDEX);
});

it("compares structures without them", () => {
  // As `parseDump` hands them on: without blanks at their ends.
  const table = "CREATE TABLE public.t (\n    a integer\n);";
  const more = "\n\nALTER TABLE ONLY public.t FORCE ROW LEVEL SECURITY;";
  const identity = "\n\nALTER TABLE ONLY public.t REPLICA IDENTITY FULL;";
  expect(withoutReplicaIdentities(`${table}${identity}`)).toBe(table);
  expect(withoutReplicaIdentities(`${table}${identity}\n${more}`)).toBe(`${table}\n${more}`);
  expect(withoutReplicaIdentities(table)).toBe(table);
});
