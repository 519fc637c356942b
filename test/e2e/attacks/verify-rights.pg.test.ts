import { expect, it } from "vitest";
import { newProgress, type MigrationEvent } from "../../../src/task/events.ts";
import { verifyDatabases } from "../../../src/task/verify-databases.ts";
import { taskOptions } from "../../kit/checks.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

const [OLDEST, NEWEST] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it("tables that the account may not read are no differences, unless there are others", async () => {
  const source = await createDatabase(OLDEST);
  const target = await createDatabase(NEWEST);
  const role = `reader_${process.pid}`;
  const sql = `create table secret (a int); create table shown (a int); create table filtered (a int); insert into filtered values (1);
    create role ${role} login password 'x'; grant select on shown, filtered to ${role};
    alter table filtered enable row level security; create policy p on filtered for select using (a > 1)`;
  for (const database of [source, target]) await database.query(sql);
  const events: MigrationEvent[] = [];
  const verify = async (): Promise<unknown> => {
    const [from, to] = [source.endpoint("source"), { ...target.endpoint("target"), user: role, password: "x" }];
    return await verifyDatabases(taskOptions(from, to), { report: (event) => events.push(event), progress: newProgress(), signal: new AbortController().signal });
  };
  try {
    await expect(verify()).rejects.toMatchObject({
      code: "privilege-missing",
      exitCode: 3,
      message: expect.stringMatching(/^2 of 3 tables cannot be compared: public\.(?:secret|filtered) and 1 more: target .*(?:permission denied|row-level security)/) as string,
    });
    expect(events.filter(({ event }) => event === "difference")).toEqual([]);
    expect(new Set(events.flatMap((event) => (event.event === "notice" ? [event.object] : [])))).toEqual(new Set(["public.filtered", "public.secret"]));
    await target.query("insert into shown values (1)");
    expect(await verify()).toMatchObject({ tables: 3, differences: 1 });
  } finally {
    for (const database of [source, target]) await database.query(`drop owned by ${role}; drop role ${role}`);
  }
});
