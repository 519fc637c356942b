import { expect, it } from "vitest";
import { notNullConstraints } from "./not-null-constraints.ts";
import { entryOf, outcomeOf } from "./rule-outcome.ts";

const table = (elements: string, more = "") => entryOf("TABLE", `CREATE TABLE s.x (\n${elements}\n)\nINHERITS (s.parent);${more}`);

it("moves a constraint on an inherited column behind the table before 18", () => {
  const one = table(`    CONSTRAINT "d, here" NOT NULL "d, d",\n    e integer CONSTRAINT own NOT NULL`);
  expect(outcomeOf(notNullConstraints, one, 18, 17)?.sql).toBe(`${table("    e integer CONSTRAINT own NOT NULL").sql}\n\nALTER TABLE ONLY s.x ALTER COLUMN "d, d" SET NOT NULL;`);
  const last = table("    e integer,\n    CONSTRAINT d_here NOT NULL d");
  expect(outcomeOf(notNullConstraints, last, 18, 17)?.sql).toBe(`${table("    e integer").sql}\n\nALTER TABLE ONLY s.x ALTER COLUMN d SET NOT NULL;`);
  expect(outcomeOf(notNullConstraints, one, 18, 18)).toBeUndefined();
});

it("does so too where an older source has no name for it", () => {
  const outcome = outcomeOf(notNullConstraints, table(`    NOT NULL a,\n    NOT NULL "b b",\n    y integer`), 10, 14);
  const statements = ["a", '"b b"'].map((column) => `\n\nALTER TABLE ONLY s.x ALTER COLUMN ${column} SET NOT NULL;`);
  expect(outcome?.sql).toBe(table("    y integer").sql + statements.join(""));
  expect(outcomeOf(notNullConstraints, table("    NOT NULL a"), 10, 14)?.sql).toBe(`${table("").sql.replace("\n\n", "\n")}${statements[0]}`);
});

it("leaves names on columns, which older majors take and forget", () => {
  expect(outcomeOf(notNullConstraints, table("    a integer CONSTRAINT there NOT NULL"), 18, 10)).toBeUndefined();
});

it("leaves NO INHERIT out where nobody inherits, else names it", () => {
  const parent = entryOf("TABLE", "CREATE TABLE s.parent (\n    a integer CONSTRAINT there NOT NULL NO INHERIT\n);", { name: "parent", dumpId: 2 });
  expect(outcomeOf(notNullConstraints, parent, 18, 17)?.sql).toBe(parent.sql.replace(" NO INHERIT", ""));
  expect(outcomeOf(notNullConstraints, parent, 18, 17, [table("    b integer")])?.impossible?.since).toBe(18);
});

it("does so too for one with the default name, which pg_dump does not write", () => {
  const parent = entryOf("TABLE", "CREATE TABLE s.parent (\n    a integer,\n    b integer NOT NULL NO INHERIT\n);", { name: "parent", dumpId: 2 });
  expect(outcomeOf(notNullConstraints, parent, 18, 16)?.sql).toBe(parent.sql.replace(" NO INHERIT", ""));
  expect(outcomeOf(notNullConstraints, parent, 18, 10, [table("    c integer")])?.impossible?.since).toBe(18);
  expect(outcomeOf(notNullConstraints, parent, 18, 18)).toBeUndefined();
});

it("makes a check of one that is not valid", () => {
  const constraint = entryOf("CONSTRAINT", 'ALTER TABLE s.x\n    ADD CONSTRAINT later NOT NULL "d d" NOT VALID;');
  expect(outcomeOf(notNullConstraints, constraint, 18, 14)?.sql).toBe('ALTER TABLE s.x\n    ADD CONSTRAINT later CHECK (("d d" IS NOT NULL)) NOT VALID;');
});

it("names comments on them, not those on other constraints", () => {
  const owner = entryOf("TABLE", "CREATE TABLE s.x (\n    a integer CONSTRAINT there NOT NULL,\n    CONSTRAINT positive CHECK ((a > 0))\n);", { dumpId: 7 });
  const comment = (name: string) => entryOf("COMMENT", `COMMENT ON CONSTRAINT ${name} ON s.x IS 'c';`, { dumpId: 8, dependencies: [7] });
  expect(outcomeOf(notNullConstraints, comment("there"), 18, 17, [owner])?.impossible?.since).toBe(18);
  expect(outcomeOf(notNullConstraints, comment("positive"), 18, 17, [owner])).toBeUndefined();
});
