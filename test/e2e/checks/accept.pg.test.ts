import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCli } from "../../kit/spawn-cli.ts";
import { createDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { stateDirectory } from "../../kit/state-directory.ts";

const major = TEST_MAJORS.at(-1)!;

it("an alarm is accepted for one task, by its check, and who and when is remembered", { timeout: 180_000 }, async () => {
  const [source, target] = [await createDatabase(major), await createDatabase(major)];
  await source.query("create table a (id serial primary key, part smallint); insert into a values (1, 1); select setval('a_id_seq', 2147483640)");
  await source.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [`godwit_${source.name}`]);
  const environment = { GODWIT_DIR: stateDirectory() };
  const servers = ["--source", source.uri, "--target", target.uri];
  const migrate = ["migrate", ...servers, "--json"];
  const odd = await runCli([...migrate, "--accept", "everything"], environment);
  expect(odd.code).toBe(2);
  expect(odd.stdout).toContain('there is no check \\"everything\\"');
  // One of two is not enough, neither to look nor to begin.
  expect(await runCli(["check", ...servers, "--accept", "leftovers"], environment)).toMatchObject({ code: 1 });
  // Both, in a plan file; what is typed wins over it.
  const plan = join(stateDirectory(), "plan.yaml");
  await writeFile(plan, "accept: [leftovers, sequence-limits]\n");
  expect(await runCli(["check", ...servers, "--plan", plan], environment)).toMatchObject({ code: 0 });
  expect(await runCli(["check", ...servers, "--plan", plan, "--accept", "leftovers"], environment)).toMatchObject({ code: 1 });
  await writeFile(plan, "accept: [everything]\n");
  expect(await runCli(["check", ...servers, "--plan", plan], environment)).toMatchObject({ code: 2 });
  const half = await runCli([...migrate, "--accept", "leftovers"], environment);
  expect(half).toMatchObject({ code: 1 });
  expect(half.stdout).toMatch(/alarms of \d+ checks: sequence-limits; nothing was written/);
  const list = JSON.parse((await runCli(["task", "list", "--json"], environment)).stdout.trim().split("\n")[0]!) as { id: string };
  const accepted = await runCli(["task", "accept", list.id, "sequence-limits", "--json"], environment);
  expect(JSON.parse(accepted.stdout)).toMatchObject({
    accepted: [
      { check: "leftovers", by: expect.stringMatching(/^.+@.+$/) as string, at: expect.stringMatching(/^\d{4}-/) as string },
      { check: "sequence-limits", by: expect.stringMatching(/^.+@.+$/) as string },
    ],
  });
  expect((await runCli(["task", "show", list.id], environment)).stdout).toMatch(/accepted\s+leftovers \(.+@.+, .+Z\), sequence-limits/);
  expect((await runCli(["task", "logs", list.id], environment)).stdout).toMatch(/alarms of sequence-limits are accepted by .+@/);
  // Another question: neither what was accepted nor what was found holds for it.
  const other = await runCli([...migrate, "--no-owner"], environment);
  expect(other).toMatchObject({ code: 1 });
  expect(other.stdout).toMatch(/alarms of \d+ checks: leftovers, sequence-limits; nothing was written/);
  expect(JSON.parse((await runCli(["task", "show", list.id, "--json"], environment)).stdout)).toMatchObject({ accepted: [], state: "checkFailed" });
  expect(await runCli(["task", "accept", list.id, "leftovers", "sequence-limits"], environment)).toMatchObject({ code: 0 });
  // The same command goes on: what was accepted for the task stays so.
  const done = await runCli([...migrate, "--no-owner"], environment);
  expect(done).toMatchObject({ code: 0 });
  expect(await target.query("select id from a")).toEqual([{ id: 1 }]);
  await source.query("select pg_drop_replication_slot($1)", [`godwit_${source.name}`]);
});
