import { expect, it } from "vitest";
import type { Entry } from "../../structure/entry.ts";
import { withFormerIdentities, withoutReplicaIdentities } from "./former-identities.ts";

const INDEX = `CREATE UNIQUE INDEX i ON public."Odd ""t""" USING btree (a);\n\nALTER TABLE ONLY public."Odd ""t""" REPLICA IDENTITY USING INDEX i;`;
const entry = { sql: INDEX } as Entry;

it("leaves out what the task itself has set, and nothing else", () => {
  expect(withFormerIdentities([entry], [{ schema: "public", name: 'Odd "t"' }])[0]?.sql).toBe(`CREATE UNIQUE INDEX i ON public."Odd ""t""" USING btree (a);\n\n`);
  expect(withFormerIdentities([entry], [{ schema: "public", name: "other" }])[0]?.sql).toBe(INDEX);
});

it("compares structures without them", () => {
  const table = "CREATE TABLE public.t (\n    a integer\n);\n\n";
  expect(withoutReplicaIdentities(`${table}ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;\n`)).toBe(table);
  expect(withoutReplicaIdentities(table)).toBe(table);
});
