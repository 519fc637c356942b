import { expect, it } from "vitest";
import { publicSchemaEntry } from "./public-schema.ts";
import { entryOf } from "./rule-outcome.ts";

const versions = (source: number, target: number) => ({ sourceVersionNum: source * 10_000, targetVersionNum: target * 10_000, wholeDatabase: true });

it("closes schema public of an older target as the newer source has it", () => {
  expect(publicSchemaEntry([entryOf("TABLE", "", { dumpId: 5 })], versions(18, 14))).toMatchObject({
    dumpId: 6,
    section: "post",
    sql: expect.stringMatching(/pg_database_owner[^]*REVOKE CREATE ON SCHEMA public FROM PUBLIC;/),
  });
  expect(publicSchemaEntry([], versions(18, 13))?.sql).toContain("datdba");
});

it("has nothing to say otherwise", () => {
  expect(publicSchemaEntry([], versions(18, 15))).toBeUndefined();
  expect(publicSchemaEntry([], versions(14, 10))).toBeUndefined();
  expect(publicSchemaEntry([], { ...versions(18, 14), wholeDatabase: false })).toBeUndefined();
  expect(publicSchemaEntry([], { ...versions(18, 14), noOwner: true, noPrivileges: true })).toBeUndefined();
});
