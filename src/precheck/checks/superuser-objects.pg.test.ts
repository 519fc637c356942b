import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";

const WRITER = "superuser_objects_writer";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names what only a superuser may create", async () => {
    await createAccount(major, WRITER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`
      create function plain(int) returns int language sql as 'select 1';
      create function tight(int) returns int language sql leakproof as 'select 1';
      create function inner_plus(int, int) returns int language internal as 'int4pl';
      create function on_ddl() returns event_trigger language plpgsql as 'begin end';
      create event trigger watch on ddl_command_start execute procedure on_ddl();
      create foreign data wrapper far;
      create type money_like; create function money_in(cstring) returns money_like language internal strict as 'int4in'; create function money_out(money_like) returns cstring language internal strict as 'int4out';
      create type money_like (input = money_in, output = money_out, like = int4);
      create cast (money_like as int) without function;
      create operator family pairs using btree; create operator class pairs for type int4 using btree family pairs as function 1 btint4cmp(int4, int4);
      create text search template bare (lexize = dsimple_lexize);
      create text search parser words (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
      create language plain_sql handler plpgsql_call_handler;
      create access method ${major >= 12 ? "heaped type table handler heap_tableam_handler" : "btreed type index handler bthandler"};
      create table t (id int primary key); create publication everything for all tables; create publication one for table t; ${major >= 15 ? "create publication schemas for tables in schema public" : ""}`);
    const [item, ...others] = await itemsOf("superuser-objects", source.endpoint("source"), asAccount(target, "target", WRITER), { publications: true });
    expect(others).toEqual([]);
    expect(item?.result).toBe("failed");
    expect(item?.evidence.toSorted()).toEqual([
      `ACCESS METHOD ${major >= 12 ? "heaped" : "btreed"}`,
      "CAST CAST (public.money_like AS integer)", "EVENT TRIGGER watch", "FOREIGN DATA WRAPPER far", "FUNCTION public.inner_plus(integer, integer): language internal",
      "FUNCTION public.money_in(cstring): language internal", "FUNCTION public.money_out(public.money_like): language internal", "FUNCTION public.tight(integer): LEAKPROOF",
      "OPERATOR CLASS public.pairs", "OPERATOR FAMILY public.pairs", "PROCEDURAL LANGUAGE plain_sql", ...(major >= 15 ? ["PUBLICATION TABLES IN SCHEMA public.schemas public"] : []), "PUBLICATION everything",
      "SHELL TYPE public.money_like", "TEXT SEARCH PARSER public.words", "TEXT SEARCH TEMPLATE public.bare",
    ]); // prettier-ignore
    expect(await itemsOf("superuser-objects", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
    // Publications stay at home unless they are asked for.
    const [without] = await itemsOf("superuser-objects", source.endpoint("source"), asAccount(target, "target", WRITER));
    expect(without?.evidence.filter((line) => line.startsWith("PUBLICATION"))).toEqual([]);
  });

  it("leaves the judgement to the operator on a managed service", async () => {
    await createAccount(major, WRITER);
    await createAccount(major, "rds_superuser", "nologin");
    await createAccount(major, "superuser_objects_admin", "login in role rds_superuser");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create foreign data wrapper far");
    expect(await itemsOf("superuser-objects", source.endpoint("source"), asAccount(target, "target", "superuser_objects_admin"))).toMatchObject([{ result: "alarm" }]);
  });
});
