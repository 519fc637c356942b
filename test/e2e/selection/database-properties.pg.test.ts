import { expect, it } from "vitest";
import type { MigrationOptions } from "../../../src/plan/migration-options.ts";
import { type MigrationEvent, newProgress } from "../../../src/task/events.ts";
import { createAccount, taskOptions } from "../../kit/checks.ts";
import { type TestDatabase, createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { migrate } from "../../kit/migrate.ts";

const newest = TEST_MAJORS.at(-1)!;

async function warnings(source: TestDatabase, target: TestDatabase, changes: Partial<MigrationOptions> = {}): Promise<string[]> {
  const events: MigrationEvent[] = [];
  const options = taskOptions(source.endpoint("source"), target.endpoint("target"), { type: "structure", acceptAlarms: true, ...changes });
  await migrate(options, { report: (event) => void events.push(event), progress: newProgress(), signal: new AbortController().signal });
  return events.flatMap((event) => (event.event === "notice" && event.level === "warning" ? [event.message] : []));
}

it("settings and rights of a database that its content leaves behind are told", async () => {
  const role = "left Behind";
  await createAccount(newest, role);
  const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
  expect(await warnings(source, target)).toEqual([]);
  await source.query(`alter database ${source.name} set work_mem = '5MB'; revoke connect on database ${source.name} from public;
    grant connect, create on database ${source.name} to "${role}"; grant temporary on database ${source.name} to "${role}" with grant option`);
  const setting = `the source database has a setting that the target lacks, and that only moves with --instance or --include database=…: ALTER DATABASE ${target.name} SET work_mem = …`;
  const statements = [
    `revoke CONNECT on database "${target.name}" from public`,
    `grant TEMPORARY on database "${target.name}" to "${role}" with grant option`,
    `grant CREATE on database "${target.name}" to "${role}"`,
    `grant CONNECT on database "${target.name}" to "${role}"`,
  ];
  const [first, second, ...others] = await warnings(source, target);
  expect([first, others]).toEqual([setting, []]);
  const told = "the source database has other rights than the target, which only move with --instance or --include database=…: ";
  expect(second?.startsWith(told)).toBe(true);
  const sql = second!.slice(told.length).split("; ");
  expect(sql.toSorted()).toEqual(statements.toSorted());
  expect(await warnings(source, target, { noPrivileges: true })).toEqual([setting]);
  // What the notice says is enough; more rights on the target are its operator's.
  await target.query(`${sql.join("; ")}; grant create on database ${target.name} to public`);
  expect(await warnings(source, target)).toEqual([setting]);
});
