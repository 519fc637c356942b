import { describe, expect, it } from "vitest";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { serving } from "../../kit/serve.ts";

const site = serving();

async function newSource(): Promise<TestDatabase> {
  const source = await createDatabase(TEST_MAJORS[0]!);
  await source.query("create table a (id int primary key); insert into a select generate_series(1, 100)");
  return source;
}

const newTarget = async (): Promise<TestDatabase> => await createDatabase(TEST_MAJORS.at(-1)!);
const nameOf = ({ uri }: TestDatabase): string => new URL(uri).pathname.slice(1);
const rowsOf = async (database: TestDatabase): Promise<unknown> => (await database.query("select to_regclass('public.a')::text as a"))[0];

async function reaches(id: string, states: readonly string[]): Promise<void> {
  const where = async (): Promise<string> => {
    const { state, error } = await site.admin.call("getTask", { params: { id } });
    return states.includes(state) ? "there" : JSON.stringify([state, error]);
  };
  await expect.poll(where, { timeout: 20_000 }).toBe("there");
}

describe("modify", () => {
  it("shows the servers that are meant now, and forgets what was checked and accepted for others", async () => {
    const [source, one, other] = [await newSource(), await newTarget(), await newTarget()];
    const body = { source: source.uri, owner: false };
    const { id } = await site.admin.call("createTask", { body: { ...body, target: one.uri } });
    await site.admin.call("acceptAlarms", { params: { id }, body: { checks: ["version"] } });
    await site.admin.call("actOnTask", { params: { id }, body: { action: "check" } });
    await reaches(id, ["checkPassed", "checkFailed"]);
    expect((await site.admin.call("getChecks", { params: { id } })).items.length).toBeGreaterThan(0);
    // The same again: all of that still holds.
    await site.admin.call("modifyTask", { params: { id }, body: { ...body, target: one.uri, name: "named" } });
    expect((await site.admin.call("getChecks", { params: { id } })).items.length).toBeGreaterThan(0);

    const modified = await site.admin.call("modifyTask", { params: { id }, body: { ...body, target: other.uri, scheduledAt: "2040-01-01T00:00:00Z" } });
    expect(modified).toMatchObject({ state: "draft", accepted: [], error: null, scheduledAt: "2040-01-01T00:00:00.000Z" });
    expect(modified.target).toContain(`/${nameOf(other)}`);
    expect(await site.admin.call("listTasks", { query: { search: nameOf(other) } })).toMatchObject({ total: 1 });
    expect(await site.admin.call("getChecks", { params: { id } })).toMatchObject({ items: [], checkedAt: null });
    const owners = { id: "owners-present", scope: "target", sql: "create role anybody" };
    // SQL that was shown for the one server is not run at the other one.
    expect(await site.admin.ask("fixChecks", { params: { id }, body: { fixes: [owners] } })).toMatchObject({ status: 409, body: { error: { code: "action-refused" } } });
  });

  it("of a task that waits for its time decides where the data goes, and when", async () => {
    const [source, one, other] = [await newSource(), await newTarget(), await newTarget()];
    const body = { source: source.uri, owner: false, acceptAlarms: true };
    const { id } = await site.admin.call("createTask", { body: { ...body, target: one.uri, scheduledAt: "2040-01-01T00:00:00Z", start: true } });
    await reaches(id, ["scheduled"]);
    await site.admin.call("modifyTask", { params: { id }, body: { ...body, target: other.uri, scheduledAt: new Date(Date.now() + 500).toISOString() } });
    await reaches(id, ["succeeded", "failed", "checkFailed"]);
    expect([await rowsOf(one), await rowsOf(other)]).toEqual([{ a: null }, { a: "a" }]);
  });

  it("of a task that waits counts also when its time stays", async () => {
    const [source, one, other] = [await newSource(), await newTarget(), await newTarget()];
    const body = { source: source.uri, owner: false, acceptAlarms: true };
    const { id } = await site.admin.call("createTask", { body: { ...body, target: one.uri, scheduledAt: new Date(Date.now() + 3000).toISOString(), start: true } });
    await reaches(id, ["scheduled"]);
    await site.admin.call("modifyTask", { params: { id }, body: { ...body, target: other.uri } });
    await reaches(id, ["succeeded", "failed", "checkFailed"]);
    expect([await rowsOf(one), await rowsOf(other)]).toEqual([{ a: null }, { a: "a" }]);
  });

  it("mends a task whose first try did not even connect", async () => {
    const [source, target] = [await newSource(), await newTarget()];
    const { id } = await site.admin.call("createTask", { body: { source: source.uri, target: target.uri.replace(nameOf(target), "not_there"), owner: false, start: true } });
    await reaches(id, ["failed"]);
    expect(await site.admin.call("modifyTask", { params: { id }, body: { source: source.uri, target: target.uri, owner: false } })).toMatchObject({ state: "draft", error: null });
  });

  it("and start at once: never both, with the old servers at work and the new ones shown", async () => {
    for (let round = 0; round < 10; round++) {
      const { id } = await site.admin.call("createTask", { body: { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://a@127.0.0.1:1/b" } });
      const [started, modified] = await Promise.all([
        site.admin.ask("actOnTask", { params: { id }, body: { action: "start" } }),
        site.admin.ask("modifyTask", { params: { id }, body: { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://a@127.0.0.1:1/c" } }),
      ]);
      expect(started.status).toBe(200);
      expect([200, 409]).toContain(modified.status);
      const { target } = await site.admin.call("getTask", { params: { id } });
      const asked = await site.admin.call("getAsked", { params: { id } });
      expect(target.endsWith(`/${asked.target.dbname}`)).toBe(true);
    }
  });

  it("gives a task that was checked its time, and takes it away again; tags go with null", async () => {
    const [source, target] = [await newSource(), await newTarget()];
    const body = { source: source.uri, target: target.uri, owner: false, acceptAlarms: true };
    const { id } = await site.admin.call("createTask", { body: { ...body, tags: { team: "shop", stage: "test" }, rateLimit: 1_000_000 } });
    await site.admin.call("actOnTask", { params: { id }, body: { action: "check" } });
    await reaches(id, ["checkPassed"]);
    await site.admin.call("modifyTask", { params: { id }, body: { ...body, scheduledAt: "2040-01-01T00:00:00Z" } });
    await site.admin.call("actOnTask", { params: { id }, body: { action: "start" } });
    await reaches(id, ["scheduled"]);
    expect(await rowsOf(target)).toEqual({ a: null });
    expect(await site.admin.call("changeSettings", { params: { id }, body: { tags: { stage: null, more: "x" } } })).toMatchObject({ tags: { team: "shop", more: "x" } });
    // Asked for without a time: at once, and without a limit.
    expect(await site.admin.call("modifyTask", { params: { id }, body })).toMatchObject({ scheduledAt: null, rateLimit: null });
    await reaches(id, ["succeeded"]);
    expect(await rowsOf(target)).toEqual({ a: "a" });
  });
});
