import { afterAll, describe, expect, it } from "vitest";
import type { Major } from "../../../src/embedded/binaries.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { allArrived, moveZoo, refusedObjects } from "./migrate-zoo.ts";
import { dropZoos, zooDatabase } from "./zoo-database.ts";

/** The corners of the matrix (see zoo.matrix.test.ts for all of it). */
const PAIRS: readonly (readonly [source: Major, target: Major])[] = [[10, 18], [18, 10], [14, 14], [14, 18], [18, 14]]; // prettier-ignore
const has = (major: Major): boolean => TEST_MAJORS.includes(major);

afterAll(dropZoos);

describe("the object zoo", () => {
  it.each(PAIRS.filter((pair) => pair.every(has)))("arrives from PostgreSQL %i on %i, equal in structure and data", async (source, target) => {
    const move = await moveZoo(source, target);
    expect(move).toEqual(allArrived(move));
    expect(move.verifiedTables).toBeGreaterThan(50);
    expect(move.facts.source.length).toBeGreaterThan(20);
  });

  it.skipIf(!has(18) || !has(10))("of 18 is refused by 10, object by object", async () => {
    const refused = await refusedObjects(await zooDatabase(18, 18), 10);
    for (const named of [
      "PROCEDURE zoo.a_procedure(integer, text): procedures",
      "TABLE zoo.hashed: hash partitioning",
      "TABLE zoo.generated: generated columns",
      "CONSTRAINT zoo.temporal temporal_pk: keys WITHOUT OVERLAPS",
      "VIEW zoo.json_tables: SQL/JSON query functions and JSON_TABLE",
    ]) {
      expect(refused).toContainEqual(expect.stringContaining(named));
    }
    expect(refused.length).toBeGreaterThan(60);
  });

  it.skipIf(!has(10) || !has(18))("of 10 with what 12 and 14 took away is refused by 18, object by object", async () => {
    const refused = await refusedObjects(await zooDatabase(10, 10, ["removed-in-12", "removed-in-14"]), 18);
    for (const named of [
      "TABLE zoo.with_oids: tables WITH OIDS",
      "COLUMN zoo.old_times.t: types abstime",
      "FUNCTION zoo.takes_abstime(abstime)",
      "TYPE zoo.old_domain",
      "OPERATOR zoo.!!: postfix operators",
      "VIEW zoo.postfix: postfix operators",
    ]) {
      expect(refused).toContainEqual(expect.stringContaining(named));
    }
  });
});
