import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../kit/databases.ts";
import { OUTER_MAJORS } from "../../kit/majors.ts";
import { selectAndMove } from "./select-and-move.ts";

/** Everything that can hang on a table, and the same again in schema b, which must not be touched. */
const FURNISHED = (schema: string): string => `
  create type ${schema}.mood as enum ('good', 'bad');
  create type ${schema}.pair as (a int, b ${schema}.mood);
  create domain ${schema}.positive as int check (value > 0);
  create function ${schema}.twice(int) returns int language sql immutable as 'select $1 * 2';
  create function ${schema}.twice(text) returns text language sql immutable as 'select $1 || $1';
  create function ${schema}.touch() returns trigger language plpgsql as 'begin return new; end';
  create function ${schema}.unused() returns int language sql as 'select 1';
  create sequence ${schema}.numbers start 5;
  create sequence ${schema}.unused_numbers;
  create table ${schema}.kinds (id int primary key, label text);
  create table ${schema}.items (
    id serial primary key, number int default nextval('${schema}.numbers') not null, moods ${schema}.mood[], pair ${schema}.pair, amount ${schema}.positive,
    kind_id int references ${schema}.kinds, label text collate "C" check (${schema}.twice(length(label)) < 100), gone int);
  alter table ${schema}.items drop column gone;
  create index items_twice on ${schema}.items (${schema}.twice(label));
  create index items_moods on ${schema}.items using gin (moods) with (fastupdate = off);
  alter table ${schema}.items cluster on items_twice;
  alter table ${schema}.items replica identity using index items_pkey;
  create statistics ${schema}.items_stats on id, number from ${schema}.items;
  create trigger items_touch before update on ${schema}.items for each row execute procedure ${schema}.touch();
  create rule items_rule as on delete to ${schema}.items do instead nothing;
  create policy items_policy on ${schema}.items using (id > 0);
  alter table ${schema}.items enable row level security;
  comment on table ${schema}.items is 'items';
  comment on column ${schema}.items.label is 'label';
  comment on constraint items_label_check on ${schema}.items is 'short';
  comment on index ${schema}.items_twice is 'twice';
  comment on trigger items_touch on ${schema}.items is 'touch';
  comment on constraint items_kind_id_fkey on ${schema}.items is 'kind';
  comment on function ${schema}.unused() is 'unused';
  comment on schema ${schema} is 'schema';
  grant select on ${schema}.items to public;
  grant update (label) on ${schema}.items to public;
  grant usage on schema ${schema} to public;
  grant select on ${schema}.kinds to public;
  alter default privileges in schema ${schema} grant select on tables to public;
  create view ${schema}.listing as select i.id, k.label from ${schema}.items i left join ${schema}.kinds k on k.id = i.kind_id;
  insert into ${schema}.kinds values (1, 'one');
  insert into ${schema}.items (moods, kind_id) values ('{good,bad}', 1), (null, null);
  create materialized view ${schema}.totals as select count(*) from ${schema}.items;
  create index on ${schema}.totals (count);
`;

async function furnished(major: TestDatabase["major"]): Promise<TestDatabase> {
  const source = await createDatabase(major, "template template0");
  await source.query(`create schema a; create schema b; comment on schema public is 'not the target''s'; ${FURNISHED("a")} ${FURNISHED("b")}
    create view b.of_both as select i.id from a.items i join b.items j using (id);
    create function b.fire() returns event_trigger language plpgsql as 'begin end';
    create event trigger fired on ddl_command_end execute procedure b.fire();
    create publication everything for all tables; create publication picked for table a.items, b.items`);
  return source;
}

const ITEMS = [
  "ACL SCHEMA a", "ACL a.COLUMN items.label", "ACL a.TABLE items", "COMMENT SCHEMA a", "COMMENT a.COLUMN items.label", "COMMENT a.CONSTRAINT items_label_check ON items",
  "COMMENT a.INDEX items_twice", "COMMENT a.TABLE items", "COMMENT a.TRIGGER items_touch ON items", "CONSTRAINT a.items items_pkey", "DEFAULT ACL a.DEFAULT PRIVILEGES FOR TABLES",
  "DEFAULT a.items id", "DOMAIN a.positive", "FUNCTION a.touch()", "FUNCTION a.twice(integer)", "FUNCTION a.twice(text)", "INDEX a.items_moods", "INDEX a.items_twice",
  "POLICY a.items items_policy", "ROW SECURITY a.items", "RULE a.items items_rule", "SCHEMA a", "SEQUENCE OWNED BY a.items_id_seq", "SEQUENCE a.items_id_seq", "SEQUENCE a.numbers",
  "STATISTICS a.items_stats", "TABLE a.items", "TRIGGER a.items items_touch", "TYPE a.mood", "TYPE a.pair",
]; // prettier-ignore
const KINDS = ["ACL a.TABLE kinds", "CONSTRAINT a.kinds kinds_pkey", "TABLE a.kinds"];
const KIND_KEY = ["COMMENT a.CONSTRAINT items_kind_id_fkey ON items", "FK CONSTRAINT a.items items_kind_id_fkey"];
const LISTING = ["ACL a.TABLE listing", "VIEW a.listing"];
const TOTALS = ["ACL a.TABLE totals", "INDEX a.totals_count_idx", "MATERIALIZED VIEW a.totals"];
const LOOSE = ["COMMENT a.FUNCTION unused()", "FUNCTION a.unused()", "SEQUENCE a.unused_numbers"];
const inOrder = (...groups: readonly string[][]): string[] => groups.flat().toSorted();
const inB = (titles: readonly string[]): string[] => titles.map((title) => title.replace(/ a\./, " b.").replace(/ a$/, " b"));

describe.each(OUTER_MAJORS)("a selection of objects of PostgreSQL %i", (major) => {
  it("moves a table with all that hangs on it, without the foreign key to a table that stays", async () => {
    const source = await furnished(major);
    const { target, moved } = await selectAndMove(source, { include: ["table=a.items"] });
    expect(moved).toEqual(inOrder(ITEMS));
    expect(await target.query("select id, number from a.items order by 1")).toEqual([{ id: 1, number: 5 }, { id: 2, number: 6 }]); // prettier-ignore
    expect(await target.query("select last_value::int as value, is_called from a.numbers")).toEqual([{ value: 6, is_called: true }]);
  });

  it("moves a view with its tables, and what the tables are connected by", async () => {
    const { moved } = await selectAndMove(await furnished(major), {
      include: ["view=a.listing", "materialized-view=totals", "table=a.items", "table=a.k?nds"],
      exclude: ["schema=b"],
    });
    expect(moved).toEqual(inOrder(ITEMS, KINDS, KIND_KEY, LISTING, TOTALS));
  });

  it("moves a schema", async () => {
    const { moved } = await selectAndMove(await furnished(major), { include: ["schema=a"] });
    expect(moved).toEqual(inOrder(ITEMS, KINDS, KIND_KEY, LISTING, TOTALS, LOOSE));
  });

  it("moves everything but a schema, the objects of the database included", async () => {
    const { moved } = await selectAndMove(await furnished(major), { exclude: ["schema=a", "view=b.of_both"] });
    expect(moved).toEqual(
      inOrder(inB([...ITEMS, ...KINDS, ...KIND_KEY, ...LISTING, ...TOTALS, ...LOOSE]), [
        "COMMENT SCHEMA public",
        "EVENT TRIGGER fired",
        "FUNCTION b.fire()",
        "PUBLICATION everything",
        "PUBLICATION picked",
        "PUBLICATION TABLE b.picked items",
      ]),
    );
  });

  it("leaves out a table with its sequence, and a function with the event trigger that calls it", async () => {
    const { moved } = await selectAndMove(await furnished(major), {
      exclude: ["table=a.items", "view=a.listing", "view=b.of_both", "materialized-view=a.totals", "function=b.fire", "schema=b", "function=a.twice(text)"],
    });
    expect(moved).toEqual(
      inOrder(
        KINDS,
        LOOSE,
        [
          "ACL SCHEMA a",
          "COMMENT SCHEMA a",
          "COMMENT SCHEMA public",
          "DEFAULT ACL a.DEFAULT PRIVILEGES FOR TABLES",
          "DOMAIN a.positive",
          "FUNCTION a.touch()",
          "FUNCTION a.twice(integer)",
        ],
        ["PUBLICATION everything", "PUBLICATION picked", "SCHEMA a", "SEQUENCE a.numbers", "TYPE a.mood", "TYPE a.pair"],
      ),
    );
  });

  it("moves a sequence of a table without the table", async () => {
    const { moved } = await selectAndMove(await furnished(major), { include: ["sequence=a.items_id_seq"] });
    expect(moved).toEqual(["ACL SCHEMA a", "COMMENT SCHEMA a", "DEFAULT ACL a.DEFAULT PRIVILEGES FOR TABLES", "SCHEMA a", "SEQUENCE a.items_id_seq"]);
  });
});
