import { expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openSession } from "../wire/session.ts";
import { Ledger, ledgerOwner, sessionName } from "./ledger.ts";

it.each(TEST_MAJORS)("PostgreSQL %i: knows what was done, and shuts out who was taken for dead", async (major) => {
  const database = await createDatabase(major);
  await using first = await openSession(database.endpoint("target"), { applicationName: sessionName("t1") });
  expect(await ledgerOwner(first)).toBeUndefined();
  const old = await Ledger.open(first, "t1");
  await old.note(first, "chunk 1");
  expect(await old.remember(first, "sizes", () => ({ a: 1 }))).toEqual({ a: 1 });
  // Once more is refused, and takes its transaction with it.
  await expect(first.query(`begin; create table public.never (a int); ${old.noteSql("chunk 1")}; commit`)).rejects.toMatchObject({ code: "query-failed" });
  await first.query("rollback");

  // A session of another name stands for one that could not be ended: it is cut out all the same.
  await using zombie = await openSession(database.endpoint("target"));
  await zombie.query(`begin; ${old.noteSql("chunk 2")}`);
  await using second = await openSession(database.endpoint("target"), { applicationName: sessionName("t1") });
  const opening = Ledger.open(second, "t1"); // waits for the note that is under way
  await zombie.query("commit");
  const taken = await opening;
  expect(taken.jobs("chunk ")).toEqual(["chunk 1", "chunk 2"]);
  expect(await taken.remember(second, "sizes", () => ({ a: 2 }))).toEqual({ a: 1 });
  const refused = await zombie.query(`begin; create table public.never (a int); ${old.noteSql("chunk 3")}; commit`).catch((error: unknown) => old.explain(error));
  expect(refused).toMatchObject({ code: "fenced" });
  // The session that bore the task's name was ended.
  await expect(first.query("select 1")).rejects.toThrow(/./);

  await expect(Ledger.open(second, "t2")).rejects.toMatchObject({ code: "fenced" });
  expect(await ledgerOwner(second)).toBe("t1");
  await taken.forget(second, "chunk ");
  expect(taken.jobs("chunk ")).toEqual([]);
  await second.query(taken.dropSql());
  expect(await database.query("select from pg_namespace where nspname = 'godwit' union all select from pg_class where relname = 'never'")).toEqual([]);
});

it.each(TEST_MAJORS)("PostgreSQL %i: of several that come at once, one makes it, and the others are told whose it is", async (major) => {
  const database = await createDatabase(major);
  const opened = await Promise.allSettled(
    Array.from({ length: 6 }, async (_, at) => {
      await using session = await openSession(database.endpoint("target"), { applicationName: sessionName(`t${at}`) });
      return await Ledger.open(session, `t${at}`);
    }),
  );
  expect(opened.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(opened.flatMap((one) => (one.status === "rejected" ? [(one.reason as { code: string }).code] : []))).toEqual(Array.from({ length: 5 }, () => "fenced"));
});
