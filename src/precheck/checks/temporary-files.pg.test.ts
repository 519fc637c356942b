import { afterEach, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { newProgress } from "../../task/events.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];
const ACCOUNT = "little_room";

afterEach(async () => await onServer(newest, async (admin) => await admin.query(`alter role ${ACCOUNT} reset temp_file_limit`)));

it("raises an alarm where an account's indexes would not be built; they are not; its SQL mends it", { timeout: 120_000 }, async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table k (a text primary key); insert into k select md5(i::text) || md5((-i)::text) from generate_series(1, 120000) i; analyze k");
  await createAccount(newest, ACCOUNT);
  await target.query(`grant create on database ${target.name} to ${ACCOUNT}; alter schema public owner to ${ACCOUNT}; alter role ${ACCOUNT} set temp_file_limit = '1MB'`);
  const ends = [source.endpoint("source"), asAccount(target, "target", ACCOUNT)] as const;
  const changes = { noOwner: true, noPrivileges: true } as const;
  const [item] = await itemsOf("temporary-files", ...ends, changes);
  expect(item).toMatchObject({
    result: "alarm",
    evidence: ["temp_file_limit = 1 MB", expect.stringMatching(/^indexes of public.k take \d/)],
    fixSql: `alter role "${ACCOUNT}" in database "${target.name}" set temp_file_limit = -1;`,
  });
  const hooks = { report: () => undefined, progress: newProgress(), signal: new AbortController().signal };
  await expect(migrate(taskOptions(...ends, { ...changes, acceptAlarms: true }), hooks)).rejects.toThrow("temp_file_limit");
  await mend(item, ends[0], target.endpoint("target"));
  const empty = await createDatabase(newest);
  await empty.query(`alter role ${ACCOUNT} in database ${empty.name} set temp_file_limit = '1MB'`);
  await empty.query(`grant create on database ${empty.name} to ${ACCOUNT}; alter schema public owner to ${ACCOUNT}`);
  const anew = [ends[0], asAccount(empty, "target", ACCOUNT)] as const;
  const [again] = await itemsOf("temporary-files", ...anew, changes);
  expect(again).toMatchObject({ result: "alarm" });
  await mend(again, ends[0], empty.endpoint("target"));
  expect(await itemsOf("temporary-files", ...anew, changes)).toMatchObject([{ result: "passed" }]);
  expect(await migrate(taskOptions(...anew, { ...changes, acceptAlarms: true }), hooks)).toMatchObject({ state: "succeeded", rows: 120_000 });
});

it("binds superusers, too", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table k (a text primary key); insert into k select md5(i::text) || md5((-i)::text) from generate_series(1, 120000) i; analyze k");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  expect(await itemsOf("temporary-files", ...ends)).toMatchObject([{ result: "passed", evidence: ["temp_file_limit = -1"] }]);
  await target.query(`alter database ${target.name} set temp_file_limit = '1MB'`);
  expect(await itemsOf("temporary-files", ...ends)).toMatchObject([{ result: "alarm" }]);
  await target.query(`alter database ${target.name} set temp_file_limit = '1GB'`);
  expect(await itemsOf("temporary-files", ...ends)).toMatchObject([{ result: "passed" }]);
});

it("minds queries that fill materialized views; what is said for another database than the one that will be created is nothing", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create table t (a int); create materialized view m as select a, count(*) from t group by 1");
  const ends = [source.endpoint("source"), target.endpoint("target")] as const;
  expect(await itemsOf("temporary-files", ...ends)).toMatchObject([{ result: "passed" }]);
  await target.query(`alter database ${target.name} set temp_file_limit = '2MB'`);
  const [item] = await itemsOf("temporary-files", ...ends);
  expect(item).toMatchObject({ result: "alarm", evidence: ["temp_file_limit = 2 MB", "materialized view public.m: its query may use more"] });
  const anew = { include: [{ kind: "database", pattern: source.name } as const] };
  expect(await itemsOf("temporary-files", ...ends, anew)).toMatchObject([{ result: "passed" }]);
  await mend(item, ...ends);
  expect(await itemsOf("temporary-files", ...ends)).toMatchObject([{ result: "passed" }]);
  await target.query(`alter role postgres in database ${target.name} reset temp_file_limit`);
});
