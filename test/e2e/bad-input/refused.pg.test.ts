import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startServer } from "../../../src/embedded/server.ts";
import { createAccount } from "../../kit/checks.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { createDatabase, type TestDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { expectNoSessions, runSql } from "./own-server.ts";

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

/** Everything that people could have made in a database. */
async function content(database: TestDatabase): Promise<unknown[]> {
  return await database.query(
    "select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' union all select nspname, null from pg_namespace where oid >= 16384 and nspname !~ '^pg_' order by 1, 2",
  );
}

function asUser(database: TestDatabase, user: string): string {
  const url = new URL(database.uri);
  return `postgresql://${user}:secret@${url.host}/${database.name}`;
}

/** Runs `migrate`; whatever stands in the way must be named, and the target must stay as it is. */
async function expectRefusal(
  source: string,
  target: TestDatabase,
  expected: { readonly exit: number; readonly says: readonly (string | RegExp)[] },
  more: readonly string[] = [],
): Promise<void> {
  const before = await content(target);
  const result = await runCli(["migrate", "--source", source, "--target", target.uri, ...more], { timeLimitMs: 30_000 });
  expectFailure(result, { ...expected, secrets: [new URL(target.uri).password, ":secret@"] });
  expect(await content(target)).toEqual(before);
}

describe.each([...new Set([oldest, newest])])("PostgreSQL %i, before anything is written", (major) => {
  it("a missing SELECT right is a failed check, with the SQL that mends it", async () => {
    await createAccount(major, "bad_input_reader");
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query("create table open (a int); create table shut (a int); grant select on open to bad_input_reader");
    const says = ["source-privileges", "no SELECT on table public.shut", 'grant select on "public"."shut" to "bad_input_reader";', "precheck-failed", "nothing was written"];
    await expectRefusal(asUser(source, "bad_input_reader"), target, { exit: 1, says });
  });

  it("rows that a policy hides are a failed check", async () => {
    await createAccount(major, "bad_input_reader");
    const [source, target] = [await createDatabase(major), await createDatabase(newest)];
    await source.query("create table secret (a int); alter table secret enable row level security; grant select on secret to bad_input_reader; insert into secret values (1)");
    await expectRefusal(asUser(source, "bad_input_reader"), target, { exit: 1, says: ["row-level security hides rows of public.secret", "precheck-failed"] });
  });

  it("a target that is not empty is a failed check", async () => {
    const [source, target] = [await createDatabase(oldest), await createDatabase(major)];
    await source.query("create table mine (a int)");
    await target.query("create table theirs (a int); insert into theirs values (7)");
    await expectRefusal(source.uri, target, { exit: 1, says: ["structure-conflict", "table public.theirs", target.name, "precheck-failed"] });
    expect(await target.query("select a from theirs")).toEqual([{ a: 7 }]);
  });

  it("a read-only target is a failed check", async () => {
    const [source, target] = [await createDatabase(oldest), await createDatabase(major)];
    await source.query("create table mine (a int)");
    await target.query(`alter database ${target.name} set default_transaction_read_only = on`);
    await expectRefusal(source.uri, target, { exit: 1, says: ["target-privileges", "read-only target", "default_transaction_read_only is on", "precheck-failed"] });
  });
});

it.runIf(oldest < 17 && newest >= 17)("a missing extension is a failed check", async () => {
  const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
  await source.query("create extension adminpack");
  await expectRefusal(source.uri, target, { exit: 1, says: ["extensions", "extension adminpack", "not available on the target", "--exclude extension=adminpack"] });
});

it.each([...new Set([oldest, newest])])("a standby of PostgreSQL %i is a failed check", async (major) => {
  const source = await createDatabase(oldest);
  await source.query("create table mine (a int)");
  await using standby = await startServer({ major });
  const data = join(standby.directory, "data");
  if (major >= 12) await writeFile(join(data, "standby.signal"), "", { mode: 0o644 });
  else await writeFile(join(data, "recovery.conf"), "standby_mode = on\n", { mode: 0o644 });
  await standby.restart();
  const result = await runCli(["migrate", "--source", source.uri, "--target", standby.uri()], { timeLimitMs: 30_000 });
  expectFailure(result, { exit: 1, says: ["target-privileges", "the server is a standby", "precheck-failed"], secrets: [standby.password] });
  await expectNoSessions(standby);
  expect(await runSql(standby, "select pg_is_in_recovery() as still")).toEqual([{ still: true }]);
});

it("an alarm is not accepted silently", async () => {
  const [source, target] = [await createDatabase(newest), await createDatabase(newest, "encoding 'UTF8' lc_collate 'C' lc_ctype 'C' template template0")];
  await source.query("create table mine (a int)");
  await expectRefusal(source.uri, target, { exit: 1, says: ["precheck-alarm", "encoding-collation", "--yes"] });
  const accepted = await runCli(["migrate", "--source", source.uri, "--target", target.uri, "--yes"], { timeLimitMs: 30_000 });
  expect(accepted.code, accepted.text).toBe(0);
});

describe("usage", () => {
  it("an --include that matches nothing", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await source.query("create table orders (a int)");
    await expectRefusal(source.uri, target, { exit: 2, says: ["object-unknown", 'no table at the source matches "public.ordres"'] }, ["--include", "table=public.ordres"]);
    await expectRefusal(source.uri, target, { exit: 2, says: ["object-unknown", 'no role at the source matches "nobody_of_this_name"'] }, [
      "--include",
      "role=nobody_of_this_name",
    ]);
    for (const instance of [[], ["--instance"]]) {
      const says = ["object-unknown", 'no role at the source matches "nobody_of_this_name"'];
      await expectRefusal(source.uri, target, { exit: 2, says }, ["--exclude", "role=nobody_of_this_name", ...instance]);
    }
    await expectRefusal(source.uri, target, { exit: 2, says: ["usage", "tabel"] }, ["--include", "tabel=orders"]);
  });

  it("a plan file with an unknown key", async () => {
    const directory = await mkdtemp(join(tmpdir(), "godwit-plan-"));
    try {
      const plan = join(directory, "plan.yaml");
      await writeFile(plan, "source: postgresql://u:secret@127.0.0.1:1/x\ntarget: postgresql://u:secret@127.0.0.1:1/y\nconcurency: 3\n");
      const result = await runCli(["migrate", "--plan", plan]);
      expectFailure(result, { exit: 2, says: ["plan-invalid", "concurency"], secrets: ["secret"] });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("as JSON, the last line is the summary and the error has its code", async () => {
    const [source, target] = [await createDatabase(newest), await createDatabase(newest)];
    await target.query("create table theirs (a int)");
    const { code, stdout } = await runCli(["migrate", "--json", "--source", source.uri, "--target", target.uri]);
    const events = stdout.trim().split("\n").map((line) => JSON.parse(line) as { event: string; state?: string; code?: string; item?: { id: string; result: string } }); // prettier-ignore
    expect(code).toBe(1);
    expect(events.at(-1)).toMatchObject({ event: "summary", state: "checkFailed" });
    expect(events.filter(({ event }) => event === "error")).toMatchObject([{ code: "precheck-failed" }]);
    expect(events.filter(({ item }) => item?.result === "failed").map(({ item }) => item?.id)).toEqual(["structure-conflict"]);
  });
});
