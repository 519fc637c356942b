import { describe, expect, it } from "vitest";
import { refuseUnmatched } from "../../../src/plan/select-objects.ts";
import { itemsOf } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { type Patterns, selector } from "./select-and-move.ts";

describe.each(OUTER_MAJORS)("a selection of PostgreSQL %i that lacks something", (major) => {
  it("names who needs which table or excluded object", async () => {
    const source = await createDatabase(major, "template template0");
    await source.query(`
      create type mood as enum ('good'); create function twice(int) returns int language sql immutable as 'select $1 * 2';
      create schema lib; create function lib.check_it() returns trigger language plpgsql as 'begin return new; end';
      create table parent (id int generated always as identity primary key, m mood, check (twice(id) > 0));
      create table child () inherits (parent);
      create table root (id int) partition by list (id); create table leaf partition of root for values in (1);
      create view on_parent as select id from parent; create view on_view as select * from on_parent;
      create materialized view kept as select id from parent; create view on_kept as select id from kept;
      create function of_parent(parent) returns int language sql as 'select 1';
      create table ruled (id int); create rule also as on insert to ruled do also insert into root values (1);
      create trigger checked before insert on ruled for each row execute procedure lib.check_it();
      create operator @@@ (leftarg = int, rightarg = int, procedure = int4eq)`);
    const select = await selector(source);
    const missing = (patterns: Patterns): string[] =>
      select(patterns)
        .missing.map(({ object, needs }) => `${object} needs ${needs}`)
        .toSorted();

    expect(missing({ include: ["table=child"] })).toEqual(["table public.child needs table public.parent"]);
    expect(missing({ include: ["table=leaf"] })).toEqual(["table public.leaf needs table public.root"]);
    expect(missing({ include: ["table=leaf", "table=root"] })).toEqual([]);
    expect(missing({ include: ["view=on_view"] })).toEqual(["view public.on_parent needs table public.parent"]);
    expect(missing({ include: ["view=on_kept"] })).toEqual(["view public.on_kept needs materialized-view public.kept"]);
    expect(missing({ include: ["function=of_parent"] })).toEqual(["function public.of_parent(public.parent) needs table public.parent"]);
    expect(missing({ include: ["sequence=parent_id_seq"] })).toEqual(["sequence public.parent_id_seq needs table public.parent"]);
    expect(missing({ include: ["table=ruled"], exclude: ["schema=lib"] })).toEqual([
      "table public.ruled needs function lib.check_it()",
      "table public.ruled needs table public.root",
    ]);
    expect(missing({ include: ["table=parent"], exclude: ["function=twice", "type=mood"] })).toEqual([
      "table public.parent needs function public.twice(integer)",
      "table public.parent needs type public.mood",
    ]);
    expect(missing({ exclude: ["table=root"] })).toEqual(["table public.ruled needs table public.root"]);
    expect(missing({ exclude: ["table=root", "table=ruled"] })).toEqual([]);
  });

  it("leaves extended statistics out whose schema is excluded, and not their table", async () => {
    const source = await createDatabase(major, "template template0");
    const target = await createDatabase(major);
    await source.query(`
      create schema a; create schema b; create table a.t (x int, y int); insert into a.t values (1, 2);
      create statistics b.elsewhere on x, y from a.t; create statistics a.here on x, y from a.t; create statistics public.top on x, y from a.t; comment on statistics b.elsewhere is 'c'`);
    const select = await selector(source);
    const statistics = (patterns: Patterns): string[] =>
      select(patterns)
        .entries.filter(({ type, name }) => type === "STATISTICS" || name.startsWith("STATISTICS"))
        .map(({ name }) => name)
        .toSorted();
    expect(statistics({ include: ["table=a.t"] })).toEqual(["STATISTICS elsewhere", "elsewhere", "here", "top"]);
    expect(select({ include: ["table=a.t"] }).added).toEqual(["schema a", "schema b"]);
    for (const patterns of [{ exclude: ["schema=b"] }, { include: ["table=a.t"], exclude: ["schema=b"] }]) {
      expect(select(patterns)).toMatchObject({ missing: [], droppedStatistics: ["b.elsewhere"] });
      expect(statistics(patterns)).toEqual(["here", "top"]);
    }
    expect(statistics({ exclude: ["table=a.t"] })).toEqual([]);
    expect(select({ exclude: ["table=a.t"] }).droppedStatistics).toEqual([]);
    const exclude = [{ kind: "schema", pattern: "b" }] as const;
    expect(await itemsOf("object-dependency", source.endpoint("source"), target.endpoint("target"), { exclude })).toMatchObject([
      { result: "passed", evidence: ["left out: statistics b.elsewhere"] },
    ]);
  });

  it("says that a pattern matches nothing, and that a precheck failed", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    await source.query("create table t (id int); create view v as select 1 as one from t; create schema s; create extension citext schema s");
    const select = await selector(source);
    const refuse = (patterns: Patterns): void => refuseUnmatched([select(patterns)]);
    // With several databases, one that matches is enough.
    expect(() => refuseUnmatched([select({ include: ["table=t"] }), select({ include: ["table=v"] })])).not.toThrow();
    // Functions and types of an extension are no objects of their own.
    for (const pattern of [
      "table=v",
      "view=t",
      "table=public.T",
      "table=s.t",
      'table="public.t"',
      "schema=citext",
      "extension=s.citext",
      "function=citext",
      "type=citext",
      "sequence=*",
    ]) {
      const refused = expect.objectContaining({ code: "object-unknown", exitCode: 2 }) as unknown;
      expect(() => refuse({ include: [pattern] }), pattern).toThrow(refused);
      expect(() => refuse({ exclude: [pattern] }), pattern).toThrow(refused);
    }
    expect(() => refuse({ include: ["table=t", "table=unknown"] })).toThrow('no table at the source matches "unknown"');
    const [item] = await itemsOf("object-dependency", source.endpoint("source"), target.endpoint("target"), { include: [{ kind: "view", pattern: "v" }] });
    expect(item).toMatchObject({ result: "failed", evidence: ["view public.v needs table public.t"] });
  });
});
