import { expect, it } from "vitest";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS, THOROUGH } from "../../kit/majors.ts";
import { serving } from "../../kit/serve.ts";

const site = serving();
const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

/** Waits for one of these states. */
async function reaches(id: string, states: readonly string[], timeout: number = 30_000): Promise<string> {
  const where = async (): Promise<string> => (await site.admin.call("getTask", { params: { id } })).state;
  await expect.poll(async () => states.includes(await where()), { timeout }).toBe(true);
  return await where();
}

const act = async (id: string, action: "check" | "start"): Promise<unknown> => await site.admin.call("actOnTask", { params: { id }, body: { action } });
const checks = async (id: string) => await site.admin.call("getChecks", { params: { id } });
const findings = async (id: string): Promise<unknown> => (await checks(id)).items.flatMap(({ id: check, result }) => (result === "passed" ? [] : [[check, result]]));

it("a start trusts no older answer, however young: what came about since is found, nothing is written, and all can still be changed", async () => {
  const [source, target, other] = [await createDatabase(oldest), await createDatabase(newest), await createDatabase(newest)];
  await source.query(
    "create table a (id int primary key); insert into a select generate_series(1, 100); create table b (part smallint); create sequence s start 1 maxvalue 100; select nextval('s')",
  );
  const body = { source: source.uri, owner: false };
  const { id } = await site.admin.call("createTask", { body: { ...body, target: target.uri } });
  await act(id, "check");
  expect(await reaches(id, ["checkPassed", "checkFailed"])).toBe("checkPassed");
  const { checkedAt } = await checks(id);
  // The servers go on: an alarm, and what stands in the way.
  await source.query("select setval('s', 99)");
  await target.query("create table a (name text)");
  await act(id, "start");
  expect(await reaches(id, ["checkFailed", "failed", "succeeded"])).toBe("checkFailed");
  expect(await findings(id)).toEqual(expect.arrayContaining([["structure-conflict", "failed"], ["sequence-limits", "alarm"]])); // prettier-ignore
  expect(Date.parse((await checks(id)).checkedAt!)).toBeGreaterThan(Date.parse(checkedAt!));
  expect(await target.query("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")).toEqual([{ relname: "a" }]);
  expect(await site.admin.call("getTask", { params: { id } })).toMatchObject({ startedAt: null, error: { code: "precheck-failed" } });
  // Another target is another question: what was said, and accepted, of the first counts no more.
  await site.admin.call("acceptAlarms", { params: { id }, body: { checks: ["sequence-limits"] } });
  expect(await site.admin.call("modifyTask", { params: { id }, body: { ...body, target: other.uri } })).toMatchObject({ state: "draft", accepted: [], error: null });
  expect(await checks(id)).toMatchObject({ items: [], checkedAt: null });
  await act(id, "start");
  expect(await reaches(id, ["checkFailed", "failed", "succeeded"])).toBe("checkFailed");
  expect(await findings(id)).toEqual([["sequence-limits", "alarm"]]);
  await site.admin.call("acceptAlarms", { params: { id }, body: { checks: ["sequence-limits"] } });
  await act(id, "start");
  expect(await reaches(id, ["checkFailed", "failed", "succeeded"])).toBe("succeeded");
});

it("other objects, or another type, between the check and the start are judged before anything is written", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table a (id int primary key); create table b (id int primary key, a int references a)");
  await target.query("create table b (name text)");
  const body = { source: source.uri, target: target.uri, owner: false };
  const { id } = await site.admin.call("createTask", { body: { ...body, include: { table: "public.a" } } });
  await act(id, "check");
  expect(await reaches(id, ["checkPassed", "checkFailed"])).toBe("checkPassed");
  await site.admin.call("modifyTask", { params: { id }, body: { ...body, type: "structure" } });
  await act(id, "start");
  expect(await reaches(id, ["checkFailed", "failed", "succeeded"])).toBe("checkFailed");
  expect(await findings(id)).toEqual([["structure-conflict", "failed"]]);
  expect(await target.query("select to_regclass('public.a')::text as a")).toEqual([{ a: null }]);
});

it.runIf(THOROUGH)("a check that somebody's lock holds up says so after half a minute, and goes on by itself when the lock is gone", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table held (id int primary key)");
  const { id } = await site.admin.call("createTask", { body: { source: source.uri, target: target.uri, owner: false } });
  await source.query("begin; lock table held");
  await act(id, "check");
  expect(await reaches(id, ["retrying", "checkPassed", "checkFailed", "failed"], 60_000)).toBe("retrying");
  const error = {
    code: "lock-unavailable",
    object: "public.held",
    message: expect.stringMatching(/waits for a lock on public\.held: process \d+ \(postgres, test, idle in transaction/) as string,
  };
  expect(await site.admin.call("getTask", { params: { id } })).toMatchObject({ error, startedAt: null });
  await source.query("rollback");
  expect(await reaches(id, ["checkPassed", "checkFailed", "failed"])).toBe("checkPassed");
});
