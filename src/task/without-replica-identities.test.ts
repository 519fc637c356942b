import { expect, it } from "vitest";
import { withoutReplicaIdentities } from "./without-replica-identities.ts";

it("compares structures without them", () => {
  // As `parseDump` hands them on: without blanks at their ends.
  const table = "CREATE TABLE public.t (\n    a integer\n);";
  const more = "\n\nALTER TABLE ONLY public.t FORCE ROW LEVEL SECURITY;";
  const identity = "\n\nALTER TABLE ONLY public.t REPLICA IDENTITY FULL;";
  expect(withoutReplicaIdentities(`${table}${identity}`)).toBe(table);
  expect(withoutReplicaIdentities(`${table}${identity}\n${more}`)).toBe(`${table}\n${more}`);
  expect(withoutReplicaIdentities(table)).toBe(table);
});
