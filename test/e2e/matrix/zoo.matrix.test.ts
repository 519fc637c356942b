import { afterAll, describe, expect, it } from "vitest";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { allArrived, moveZoo, refusedObjects } from "./migrate-zoo.ts";
import { dropZoos, zooDatabase } from "./zoo-database.ts";

afterAll(dropZoos);

describe.each(TEST_MAJORS)("from PostgreSQL %i", (source) => {
  it.each(TEST_MAJORS)("what both hold arrives on PostgreSQL %i, equal in structure and data", async (target) => {
    const move = await moveZoo(source, target);
    expect(move).toEqual(allArrived(move));
    expect(move.verifiedTables).toBeGreaterThan(50);
    expect(move.facts.source.length).toBeGreaterThan(20);
  });

  it.each(TEST_MAJORS.filter((target) => target < source))("what PostgreSQL %i cannot hold is named, and nothing is written", async (target) => {
    const refused = await refusedObjects(await zooDatabase(source, source), target);
    for (let major = target + 1; major <= source; major++) expect(refused.join("\n"), `an object that only ${major} can hold`).toMatch(ONE_OF[major] ?? /./);
  });
});

/** For each major one object of its zoo file. */
const ONE_OF: Readonly<Record<number, RegExp>> = {
  11: /^PROCEDURE zoo\.a_procedure\(integer, text\): procedures\./m,
  12: /^TABLE zoo\.generated: generated columns\./m,
  13: /^VIEW zoo\.with_ties: FETCH … WITH TIES\./m,
  14: /^TABLE zoo\.types_14: multirange types\./m,
  15: /^VIEW zoo\.invoker: views with security_invoker\./m,
  16: /^COLLATION zoo\.with_rules: collations with ICU rules\./m,
  17: /^ACL zoo\.TABLE indexed: privilege MAINTAIN\./m,
  18: /^TABLE zoo\.virtual: (?:virtual )?generated columns\./m,
};
