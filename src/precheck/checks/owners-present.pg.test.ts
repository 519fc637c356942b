import { expect, it } from "vitest";
import { createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest !== newest)("names the roles that are missing, and what they are named for", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  for (const name of ["absent_owner", 'Absent "Reader"', "absent_policy", "absent_lo"]) await createAccount(oldest, name);
  await source.query(`
    create table t (a int); alter table t owner to absent_owner; grant select on t to "Absent ""Reader""";
    create table p (a int); create policy only_mine on p to absent_policy using (true); select lo_create(1); alter large object 1 owner to absent_lo`);
  const endpoints = [source.endpoint("source"), target.endpoint("target")] as const;
  const [item] = await itemsOf("owners-present", ...endpoints);
  expect(item?.result).toBe("failed");
  expect(item?.evidence.toSorted()).toEqual([
    'role Absent "Reader": ACL public.TABLE t', "role absent_lo: owner of large objects", "role absent_owner: owner of TABLE public.t", "role absent_policy: policy only_mine on public.p",
  ]); // prettier-ignore
  expect(item?.fix).toContain("--include role=absent_owner");
  expect(item?.fix).toContain(`--include 'role="Absent ""Reader"""'`);

  // Roles that move are fine, and so is leaving ownership and grants out; a policy's roles stay.
  const moving = await itemsOf("owners-present", ...endpoints, { include: [{ kind: "role", pattern: "?bsent*" }] });
  expect(moving).toMatchObject([{ result: "passed" }]);
  const without = await itemsOf("owners-present", ...endpoints, { noOwner: true, noPrivileges: true });
  expect(without).toMatchObject([{ result: "failed", evidence: ["role absent_policy: policy only_mine on public.p"] }]);

  const made = (item?.fixSql ?? "").split("\n");
  await mend(item, ...endpoints);
  try {
    expect(await itemsOf("owners-present", ...endpoints)).toMatchObject([{ result: "passed" }]);
  } finally {
    await onServer(newest, async (admin) => await admin.query(made.map((sql) => sql.replace("create", "drop")).join("\n")));
  }
});

it.runIf(oldest < 17 && newest >= 17)("says what to do about roles that only newer servers bring", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(oldest)];
  await source.query("create table t (a int); grant select on t to pg_maintain");
  const [item] = await itemsOf("owners-present", source.endpoint("source"), target.endpoint("target"));
  expect(item).toMatchObject({ result: "failed", evidence: ["role pg_maintain: ACL public.TABLE t"], fix: expect.stringContaining("newer than the target") as string });
  expect(item?.fixSql).toBeUndefined();
});
