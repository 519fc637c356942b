import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";

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
