import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase, onServer, useDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";

const READER = "source_reader";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names every table, sequence and schema that cannot be read; its SQL mends it", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`
      create schema "Closed ""one"""; create table "Closed ""one"""."A ""table""" (id serial); create table public.open (a int); create table public.shut (a int);
      grant select on public.open, "Closed ""one"""."A ""table""" to ${READER}`);
    const reader = asAccount(source, "source", READER);
    const [item, ...others] = await itemsOf("source-privileges", reader, target.endpoint("target"));
    expect(others).toEqual([]);
    expect(item?.result).toBe("failed");
    expect(item?.evidence.toSorted()).toEqual(['no SELECT on sequence "Closed ""one"""."A ""table""_id_seq"', "no SELECT on table public.shut", 'no USAGE on schema Closed "one"']);
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await itemsOf("source-privileges", reader, target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  });

  it.runIf(major === TEST_MAJORS.at(-1))("asks for materialized views only where they are compared", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query('create materialized view "Sums" as select 1 as a; create materialized view empty as select 1 as a with no data');
    await source.query(`create schema "Shut in"; create materialized view "Shut in".v as select 1 as a; grant select on "Shut in".v to ${READER}`);
    const items = async (verify: boolean) => await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"), { verify });
    expect(await items(false)).toMatchObject([{ result: "passed" }]);
    const [item] = await items(true);
    expect(item).toMatchObject({ result: "failed", evidence: ["no USAGE on schema Shut in", 'no SELECT on materialized view public."Sums", which is to be compared'] });
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await items(true)).toMatchObject([{ result: "passed" }]);
  });

  it("does not mind what is not selected", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create table open (a int); create table shut (a int); grant select on open to ${READER}`);
    const options = { include: [{ kind: "table", pattern: "open" }] } as const;
    expect(await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"), options)).toMatchObject([{ result: "passed" }]);
  });

  it("fails where policies would hide rows, but not for the owner", async () => {
    await createAccount(major, READER);
    await createAccount(major, "source_owner");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`
      create table secret (a int); create table forced (a int);
      alter table secret enable row level security; alter table forced enable row level security; alter table forced force row level security;
      grant select on secret, forced to ${READER}; alter table secret owner to source_owner; alter table forced owner to source_owner`);
    const hidden = async (account: string): Promise<readonly string[]> => {
      const items = await itemsOf("source-privileges", asAccount(source, "source", account), target.endpoint("target"));
      return items.flatMap((item) => (item.result === "failed" ? item.evidence : [])).toSorted();
    };
    expect(await hidden(READER)).toEqual(["row-level security hides rows of public.forced", "row-level security hides rows of public.secret"]);
    expect(await hidden("source_owner")).toEqual(["row-level security hides rows of public.forced"]);
    // For the structure alone nobody reads rows.
    expect(await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"), { type: "structure" })).toMatchObject([{ result: "passed" }]);
    const [item] = await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"));
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await hidden(READER)).toEqual([]);
    await source.query(`alter role ${READER} nobypassrls`);
  });

  it("names large objects that cannot be read", async () => {
    await createAccount(major, READER);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`select lo_create(4242), lo_create(4243); select lo_create(n) from generate_series(1, 40) n; grant select on large object 4243 to ${READER}`);
    const [many] = await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"));
    expect(many).toMatchObject({ result: "failed", evidence: expect.arrayContaining(["no SELECT on large object 1", "and 22 more"]) as unknown });
    expect(many?.fixSql).toBeUndefined(); // these are not all
    await source.query("select lo_unlink(n) from generate_series(1, 40) n");
    const [item] = await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"));
    expect(item).toMatchObject({ result: "failed", evidence: ["no SELECT on large object 4242"] });
    await mend(item, source.endpoint("source"), target.endpoint("target"));
    expect(await itemsOf("source-privileges", asAccount(source, "source", READER), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  });

  it("names the role whose rights count, where the account is another one from the beginning; its SQL mends it", async () => {
    const [login, role] = ["source_login", "source_role"];
    await createAccount(major, login, "login noinherit");
    await createAccount(major, role, "nologin");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create schema shut; create table shut.t (a int); create table secret (a int); alter table secret enable row level security; grant select on secret to ${role};
      select lo_create(4242); grant ${role} to ${login}; alter role ${login} set role = ${role}`);
    const ends = [asAccount(source, "source", login), target.endpoint("target")] as const;
    try {
      const items = await itemsOf("source-privileges", ...ends);
      expect(items).toMatchObject([
        { evidence: ["no USAGE on schema shut", "no SELECT on table shut.t"], why: `The account "${role}" cannot read these objects.` },
        { fixSql: `alter role "${role}" bypassrls;` },
        { fixSql: `grant select on large object 4242 to "${role}";` },
      ]);
      for (const item of items) await mend(item, source.endpoint("source"), ends[1]);
      expect(await itemsOf("source-privileges", ...ends)).toMatchObject([{ result: "passed" }]);
    } finally {
      await source.query(`alter role ${login} reset role; alter role ${role} nobypassrls`);
    }
  });
});

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest !== newest)("looks at the other databases when one of several may not be connected to, at the source or on the target", async () => {
  await createAccount(oldest, READER);
  await createAccount(newest, READER, "login createdb createrole");
  const [open, shut, elsewhere] = [await createDatabase(oldest), await createDatabase(oldest), await createDatabase(newest)];
  await shut.query(`create table public.t (a int); revoke connect on database ${shut.name} from public`);
  await open.query("create table public.unreadable (a int)");
  const ends = [asAccount(open, "source", READER), asAccount(elsewhere, "target", READER)] as const;
  const changes = { include: [open, shut].map(({ name }) => ({ kind: "database" as const, pattern: name })) };
  const items = async (id: string) => await itemsOf(id, ...ends, changes);
  const [item, other] = await items("source-privileges");
  expect(item).toMatchObject({ result: "failed", evidence: [`no CONNECT on database ${shut.name}`], fixSql: `grant connect on database "${shut.name}" to "${READER}";` });
  expect(other).toMatchObject({ result: "failed", scope: `database ${open.name}`, evidence: ["no SELECT on table public.unreadable"] });
  await mend(item, shut.endpoint("source"), elsewhere.endpoint("target"));
  expect((await items("source-privileges")).map(({ scope, result }) => [scope, result])).toEqual([
    [`database ${open.name}`, "failed"],
    [`database ${shut.name}`, "failed"],
  ]);
  await onServer(newest, async (admin) => await admin.query(`create database ${shut.name}`));
  await onServer(newest, async (admin) => await admin.query(`revoke connect on database ${shut.name} from public`));
  await useDatabase(newest, shut.name);
  const unreachable = (await items("target-privileges")).find(({ evidence }) => evidence[0] === `no CONNECT on database ${shut.name}`);
  expect(unreachable).toMatchObject({ result: "failed", fixOn: { side: "target" } });
  await mend(unreachable, open.endpoint("source"), elsewhere.endpoint("target"));
  expect((await items("target-privileges")).find(({ evidence }) => evidence[0]?.startsWith("no CONNECT") === true)).toBeUndefined();
});
