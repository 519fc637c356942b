import { expect, it } from "vitest";
import { itemsOf, runChecks } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import { OLD_MAJORS, type SourceMajor, ownBuild } from "../../embedded/binaries.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";
import type { CheckItem } from "../check.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest !== newest)("tells how roles of the same name differ", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await onServer(
    oldest,
    async (admin) => await admin.query("create role conflict_a login; create role conflict_b createdb; create role conflict_new; grant conflict_a to conflict_b"),
  );
  await onServer(newest, async (admin) => await admin.query("create role conflict_a login; create role conflict_b"));
  try {
    const include = (pattern: string): { include: [{ kind: "role"; pattern: string }] } => ({ include: [{ kind: "role", pattern }] });
    const items = await itemsOf("account-conflict", source.endpoint("source"), target.endpoint("target"), include("conflict_*"));
    expect(items).toMatchObject([{ result: "alarm", evidence: ["role conflict_b: createdatabase yes → no, member of conflict_a → none"] }]);
    const same = await itemsOf("account-conflict", source.endpoint("source"), target.endpoint("target"), include("conflict_a"));
    expect(same).toMatchObject([{ result: "passed", evidence: ["0 roles are new on the target", "role conflict_a: the same on both sides"] }]);
    expect(await itemsOf("account-conflict", source.endpoint("source"), target.endpoint("target"))).toEqual([]);
    // An application that logs in as such a role finds no tables, or does not get in.
    await onServer(
      oldest,
      async (admin) =>
        await admin.query(
          "alter role conflict_a connection limit 50 valid until 'infinity'; alter role conflict_a set search_path = app; alter role conflict_a set work_mem = '8MB'",
        ),
    );
    await onServer(
      newest,
      async (admin) => await admin.query("alter role conflict_a connection limit 0 valid until '2001-01-01 00:00:00+00'; alter role conflict_a set work_mem = '8MB'"),
    );
    expect(await itemsOf("account-conflict", source.endpoint("source"), target.endpoint("target"), include("conflict_a"))).toMatchObject([
      { result: "alarm", evidence: ["role conflict_a: connection limit 50 → 0, password valid for ever → 2001-01-01 00:00:00+00, other settings: search_path"] },
    ]);
  } finally {
    for (const major of [oldest, newest]) await onServer(major, async (admin) => await admin.query("drop role if exists conflict_a, conflict_b, conflict_new"));
  }
});

/** Only sources before 9.6 have roles of that prefix that people made; a newer one is made to look so where there is no build of these. */
const SOURCES: readonly SourceMajor[] = [...OLD_MAJORS.filter((old) => old < 9.6 && ownBuild(old) !== undefined), newest];

it.each(SOURCES)("tells of roles that no later server creates, and what belongs to them (PostgreSQL %d)", async (major) => {
  await using server = await startServer({ major });
  const target = await createDatabase(newest);
  const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
  await using session = await openSession(ends[0]);
  const rename = async (from: string, to: string): Promise<unknown> =>
    await session.query(major < 9.6 ? `alter role ${from} rename to ${to}` : `update pg_catalog.pg_authid set rolname = '${to}' where rolname = '${from}'`);
  await session.query("create role my_own login; create table public.owned (a int); alter table public.owned owner to my_own");
  await rename("my_own", "pg_own");
  const items = async (): Promise<CheckItem[]> => {
    const all = await runChecks(...ends, { include: [{ kind: "role", pattern: "*_own" }] });
    return all.filter(({ id }) => id === "account-conflict" || id === "owners-present");
  };
  expect(await items()).toMatchObject([
    { result: "alarm", evidence: ["role pg_own: the prefix pg_ is reserved since 9.6, it is not created"], why: expect.not.stringContaining("left as it is") as string },
    { result: "failed", evidence: ["role pg_own: owner of TABLE public.owned"], fix: expect.stringContaining("rename it at the source") as string },
  ]);
  await rename("pg_own", "my_own");
  expect(await items()).toMatchObject([{ result: "passed", evidence: ["1 roles are new on the target"] }, { result: "passed" }]);
});
