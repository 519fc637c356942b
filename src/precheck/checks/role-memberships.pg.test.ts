import { afterEach, describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { Major } from "../../embedded/binaries.ts";

const ROLES = ["member_a", "member_b", "member_group", 'member "Odd"', "member_super", "outside_member"];
const OLDER = ([14, 10] as const satisfies readonly Major[]).filter((major) => TEST_MAJORS.includes(major) && TEST_MAJORS.includes(18));

const include = [{ kind: "role", pattern: "member*" }] as const;
const INHERIT = "its INHERIT option is left out; before PostgreSQL 16 the member's own INHERIT attribute decides.";
const SET = "its option SET FALSE is left out; before PostgreSQL 16 every member may SET ROLE.";

describe.each(OLDER)("from 18 to %i", (to) => {
  afterEach(async () => {
    for (const major of [18, to] as const)
      await onServer(major, async (admin) => await admin.query(`drop role if exists ${ROLES.map((name) => admin.escapeIdentifier(name)).join(", ")}`));
  });

  it("memberships that get wider, and those that the target has no role for, are named before anything is written", async () => {
    const [source, target] = [await createDatabase(18), await createDatabase(to)];
    await onServer(18, async (admin) => {
      await admin.query(`
        create role member_a; create role member_b noinherit; create role member_group createrole; create role "member ""Odd"""; create role member_super superuser; create role outside_member;
        grant member_group to member_a with inherit false, set false;
        grant member_group to member_b with inherit true;
        grant member_a to "member ""Odd""" with set false;
        grant member_group to "member ""Odd""" with inherit false, set false, admin true;
        grant member_group to member_super with inherit false, set false;
        grant outside_member to member_a;
        grant pg_maintain, pg_monitor, pg_read_all_data to member_a;
        grant member_b to pg_monitor`);
    });
    const items = async () => await itemsOf("role-memberships", source.endpoint("source"), target.endpoint("target"), { include });
    const expected = [
      "role member_a: membership in outside_member left out, the target has no role outside_member.",
      "role member_a: membership in pg_maintain left out, the target has no role pg_maintain.",
      ...(to < 14 ? ["role member_a: membership in pg_read_all_data left out, the target has no role pg_read_all_data."] : []),
      `role member "Odd": membership in member_a: ${SET}`,
      `role member "Odd": membership in member_group: ${INHERIT}`,
      `role member "Odd": membership in member_group: ${SET}`,
      `role member_a: membership in member_group: ${INHERIT}`,
      `role member_a: membership in member_group: ${SET}`,
      `role member_b: membership in member_group: ${INHERIT}`,
    ];
    const [item] = await items();
    expect(item?.result).toBe("alarm");
    expect(item?.evidence.toSorted()).toEqual(expected.toSorted());

    // Roles that exist on the target stay as they are: account-conflict tells how they differ.
    await onServer(to, async (admin) => await admin.query('create role member_a; create role member_group; create role member_b; create role "member ""Odd"""'));
    expect(await items()).toMatchObject([{ result: "passed" }]);
    expect(await itemsOf("role-memberships", source.endpoint("source"), target.endpoint("target"))).toEqual([]);
  });

  it("a whole instance is looked at too, and what stays the same is no finding", async () => {
    const [source, target] = [await createDatabase(18), await createDatabase(to)];
    await onServer(
      18,
      async (admin) => await admin.query("create role member_a; create role member_group; grant member_group to member_a with admin true; grant pg_monitor to member_a"),
    );
    const databases = { instance: true, include: [{ kind: "database", pattern: source.name }] } as const;
    const items = async (): Promise<unknown[]> =>
      (await itemsOf("role-memberships", source.endpoint("source"), target.endpoint("target"), databases)).flatMap(({ evidence }) =>
        evidence.filter((line) => line.includes("member_")),
      );
    expect(await items()).toEqual([]);
    await onServer(18, async (admin) => await admin.query("grant member_group to member_a with set false"));
    expect(await items()).toEqual([`role member_a: membership in member_group: ${SET}`]);
  });
});
