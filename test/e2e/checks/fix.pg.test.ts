import { describe, expect, it } from "vitest";
import { runCli } from "../../kit/spawn-cli.ts";
import { asAccount, createAccount } from "../../kit/checks.ts";
import { createDatabase, type TestDatabase } from "../../kit/databases.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";

function uriAs(database: TestDatabase, account: string): string {
  const { host, port, password } = asAccount(database, "source", account);
  return `postgresql://${account}:${password ?? ""}@${host}:${port}/${database.name}`;
}

describe.each([TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!])("godwit check --fix, PostgreSQL %i", (major) => {
  it("runs an item's SQL by the account that may, and checks again", async () => {
    const account = `fix_reader_${major}`;
    await createAccount(major, account);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create schema shop; create table shop.a (id int primary key); create table shop.b (id int primary key)");
    const check = ["check", "--source", uriAs(source, account), "--target", target.uri];
    const before = await runCli(check);
    expect(before.code).toBe(1);
    expect(before.stdout).toContain("source-privileges");
    // The account itself may not: what the server says, and the way on; nothing was changed.
    const refused = await runCli([...check, "--fix", "source-privileges", "--yes"]);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain("privilege-missing");
    expect(refused.stderr).toContain("--source-admin");
    const fixed = await runCli([...check, "--fix", "source-privileges", "--yes", "--source-admin", source.uri]);
    expect(fixed.stderr).toContain(`grant select on "shop"."a" to "${account}";`);
    expect(fixed.stdout).not.toContain("source-privileges");
    expect(fixed).toMatchObject({ code: 0 });
    const again = await runCli([...check, "--fix", "source-privileges", "--yes"]);
    expect(again.stderr).toContain("source-privileges: passed already");
    for (const { stdout, stderr } of [before, refused, fixed, again]) expect(stdout + stderr).not.toContain("secret");
  });

  it("asks at a terminal only, and takes no item that SQL does not mend", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query("create table in_the_way (id int)");
    await source.query("select pg_create_logical_replication_slot($1, 'pgoutput')", [`godwit_${source.name}`]);
    const check = ["check", "--source", source.uri, "--target", target.uri];
    const unasked = await runCli([...check, "--fix", "leftovers"]);
    expect(unasked).toMatchObject({ code: 2 });
    expect(unasked.stderr).toContain("there is no terminal to ask at");
    expect(await source.query("select from pg_replication_slots where slot_name = $1", [`godwit_${source.name}`])).toHaveLength(1);
    const unfit = await runCli([...check, "--fix", "structure-conflict", "--yes"]);
    expect(unfit).toMatchObject({ code: 2 });
    expect(unfit.stderr).toContain("no SQL that could be run as it is mends structure-conflict");
    const unknown = await runCli([...check, "--fix", "everything", "--yes"]);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain('there is no check "everything"');
    const dropped = await runCli([...check, "--fix", "leftovers", "--yes", "--json"]);
    expect(dropped.code).toBe(1); // the table is still in the way
    expect(dropped.stdout).toContain('"id":"leftovers"');
    expect(await source.query("select from pg_replication_slots where slot_name = $1", [`godwit_${source.name}`])).toEqual([]);
  });
});
