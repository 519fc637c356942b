import { expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../../test/kit/majors.ts";
import type { CheckItem } from "../check.ts";
import type { ObjectKind } from "../../plan/object-pattern.ts";

it("tells what was taken along, what is missing, and which foreign keys are left out", async () => {
  const major = TEST_MAJORS.at(-1)!;
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query(`
    create type mood as enum ('good');
    create table parent (id int primary key, m mood);
    create table child (id int primary key, parent_id int references parent);
    create view both_of_them as select p.id, c.id as child from parent p join child c on c.parent_id = p.id`);
  const include = async (kind: ObjectKind, pattern: string): Promise<CheckItem | undefined> =>
    (await itemsOf("object-dependency", source.endpoint("source"), target.endpoint("target"), { include: [{ kind, pattern }] }))[0];

  expect(await include("table", "parent")).toMatchObject({ result: "passed", evidence: expect.arrayContaining(["taken along: type public.mood"]) as unknown });
  expect(await include("table", "child")).toMatchObject({ result: "alarm", evidence: [expect.stringContaining("child_parent_id_fkey")] });
  const missing = await include("view", "both_of_them");
  expect(missing).toMatchObject({ result: "failed" });
  expect(missing?.evidence.toSorted()).toEqual(["view public.both_of_them needs table public.child", "view public.both_of_them needs table public.parent"]);
  expect(missing?.fix).toContain("table public.parent");
});
