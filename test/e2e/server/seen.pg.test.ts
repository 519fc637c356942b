import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { serving } from "../../kit/serve.ts";

const site = serving();

/** A database with a table of a role that the newest server does not have. */
async function ownedBy(role: string): Promise<{ readonly source: TestDatabase; readonly target: TestDatabase }> {
  const [source, target] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!)];
  await source.query(`create role ${role}; create table a (id int primary key); alter table a owner to ${role}`);
  return { source, target };
}

async function checked(source: TestDatabase, target: TestDatabase): Promise<string> {
  const { id } = await site.admin.call("createTask", { body: { source: source.uri, target: target.uri } });
  await site.admin.call("actOnTask", { params: { id }, body: { action: "check" } });
  await expect.poll(async () => (await site.admin.call("getTask", { params: { id } })).state, { timeout: 20_000 }).toMatch(/^check(Passed|Failed)$/);
  return id;
}

describe("what an operator has seen", () => {
  it("is the SQL that is run, and no other", async () => {
    const role = `seen_${Date.now()}`;
    const { source, target } = await ownedBy(role);
    const id = await checked(source, target);
    const roles = async (): Promise<number> => (await target.query(`select from pg_roles where rolname = '${role}'`)).length;
    const { items } = await site.admin.call("getChecks", { params: { id } });
    const item = items.find(({ id: check }) => check === "owners-present");
    expect(item).toMatchObject({ result: "failed", about: expect.stringContaining("owner") as string });
    const fix = { id: item!.id, scope: item!.scope, sql: item!.fixSql! };
    for (const other of [
      { ...fix, sql: `${fix.sql} ` },
      { ...fix, scope: "elsewhere" },
      { ...fix, id: "version" },
    ]) {
      expect(await site.admin.ask("fixChecks", { params: { id }, body: { fixes: [other] } })).toMatchObject({ status: 409, body: { error: { code: "action-refused" } } });
    }
    expect(await roles()).toBe(0);
    expect((await site.admin.call("fixChecks", { params: { id }, body: { fixes: [fix] } })).done).toMatchObject([{ id: fix.id, scope: fix.scope, sql: fix.sql }]);
    expect(await roles()).toBe(1);

    // Once more: the server refuses it, and the audit log has it all the same.
    expect(await site.admin.ask("fixChecks", { params: { id }, body: { fixes: [fix] } })).toMatchObject({
      body: { error: { message: expect.stringContaining("already exists") as string } },
    });
    const { entries } = await site.admin.call("listAudit", { query: { limit: 1 } });
    expect(entries).toMatchObject([{ action: "fixChecks", detail: expect.stringContaining("owners-present at") as string }]);

    await site.admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    expect(await site.admin.ask("fixChecks", { params: { id }, body: { fixes: [fix] } })).toMatchObject({ status: 409, body: { error: { code: "action-refused" } } });
    await target.query(`drop role ${role}`);
    await source.query(`drop table a; drop role ${role}`);
  });

  it("is what is started: not what somebody else has made of it since", async () => {
    const [source, one, other] = [await createDatabase(TEST_MAJORS[0]!), await createDatabase(TEST_MAJORS.at(-1)!), await createDatabase(TEST_MAJORS.at(-1)!)];
    await source.query("create table a (id int primary key)");
    const { id, configuration } = await site.admin.call("createTask", { body: { source: source.uri, target: one.uri, acceptAlarms: true } });
    const modified = await site.admin.call("modifyTask", { params: { id }, body: { source: source.uri, target: other.uri, acceptAlarms: true } });
    expect(await site.admin.ask("actOnTask", { params: { id }, body: { action: "start", configuration } })).toMatchObject({
      status: 409,
      body: { error: { code: "action-refused" } },
    });
    expect((await site.admin.call("getTask", { params: { id } })).state).toBe("draft");
    // Names and limits are no other configuration.
    const named = await site.admin.call("changeSettings", { params: { id }, body: { name: "named", concurrency: 2, tags: { a: "b" } } });
    expect(named.configuration).toBe(modified.configuration);
    await site.admin.call("actOnTask", { params: { id }, body: { action: "start", configuration: modified.configuration } });
    await expect.poll(async () => (await site.admin.call("getTask", { params: { id } })).state, { timeout: 20_000 }).toBe("succeeded");
    expect(await other.query("select to_regclass('public.a')::text as a")).toEqual([{ a: "a" }]);
  });

  it("is what is accepted: alarms of what somebody else has made of it since are none that were seen; nor of a task that has ended", async () => {
    const nowhere = { source: "postgresql://a@127.0.0.1:1/b", target: "postgresql://a@127.0.0.1:1/c" };
    const { id, configuration } = await site.admin.call("createTask", { body: nowhere });
    const accept = async (seen: string) => await site.admin.ask("acceptAlarms", { params: { id }, body: { checks: ["wal-level"], configuration: seen } });
    const refused = { status: 409, body: { error: { code: "action-refused" } } };
    const modified = await site.admin.call("modifyTask", { params: { id }, body: { ...nowhere, target: "postgresql://a@127.0.0.1:1/d" } });
    expect(await accept(configuration)).toMatchObject(refused);
    expect((await site.admin.call("getTask", { params: { id } })).accepted).toEqual([]);
    expect(await accept(modified.configuration)).toMatchObject({ status: 200, body: { accepted: [{ check: "wal-level" }] } });
    await site.admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
    expect(await accept(modified.configuration)).toMatchObject(refused);
  });

  it("is what is started also where somebody makes something else of it in the same moment", async () => {
    const at = (database: string): string => `postgresql://a@127.0.0.1:1/${database}`;
    for (let round = 0; round < 12; round++) {
      const { id, configuration, target } = await site.admin.call("createTask", { body: { source: at("a"), target: at("shown") } });
      const [start] = await Promise.all([
        site.admin.ask("actOnTask", { params: { id }, body: { action: "start", configuration } }),
        site.admin.ask("modifyTask", { params: { id }, body: { source: at("a"), target: at("other") } }),
      ]);
      const now = await site.admin.call("getTask", { params: { id } });
      expect(start.status === 200 ? now.target : start.status, String(round)).toBe(start.status === 200 ? target : 409);
      await site.admin.ask("actOnTask", { params: { id }, body: { action: "terminate" } });
    }
  });

  it.each(["tomorrow", "", "2026-13-01T00:00:00Z", "275760-09-13T00:00:00Z", "9999-12-31T23:59:59-14:00"])("a moment that is none is refused: %j", async (scheduledAt) => {
    const answer = await site.admin.ask("createTask", { body: { source: "postgresql://a@b/c", target: "postgresql://a@b/d", scheduledAt } });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "request-invalid" } } });
  });
});
