import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const WRITER = "superuser_objects_writer";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("names what only a superuser may create", async () => {
    await createAccount(major, WRITER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`
      create function plain(int) returns int language sql as 'select 1';
      create function tight(int) returns int language sql leakproof as 'select 1';
      create function inner_plus(int, int) returns int language internal as 'int4pl';
      create function on_ddl() returns event_trigger language plpgsql as 'begin end';
      create event trigger watch on ddl_command_start execute procedure on_ddl();
      create foreign data wrapper far`);
    const [item, ...others] = await itemsOf("superuser-objects", source.endpoint("source"), asAccount(target, "target", WRITER));
    expect(others).toEqual([]);
    expect(item?.result).toBe("failed");
    expect(item?.evidence.toSorted()).toEqual([
      "EVENT TRIGGER watch", "FOREIGN DATA WRAPPER far", "FUNCTION public.inner_plus(integer, integer): language internal", "FUNCTION public.tight(integer): LEAKPROOF",
    ]); // prettier-ignore
    expect(await itemsOf("superuser-objects", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
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
