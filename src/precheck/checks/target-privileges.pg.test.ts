import { describe, expect, it } from "vitest";
import { asAccount, createAccount, itemsOf, mend, runChecks, taskOptions } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { migrate } from "../../../test/kit/migrate.ts";
import { becomeStandby } from "../../../test/kit/standby.ts";
import { startServer } from "../../embedded/server.ts";
import { newProgress } from "../../task/events.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { quoteIdentifier } from "../../wire/quote.ts";
import { openSession } from "../../wire/session.ts";

const WRITER = "target_writer";

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("names what the account may not do; its SQL mends it", async () => {
    await createAccount(major, WRITER);
    await createAccount(major, "target_owner");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(
      "create schema s; create table s.t (a int); create table public.u (a int); alter table s.t owner to target_owner; alter table public.u owner to target_owner; alter schema s owner to target_owner",
    );
    await target.query("revoke create on schema public from public");
    const writer = asAccount(target, "target", WRITER);
    try {
      const [item, ...others] = await itemsOf("target-privileges", source.endpoint("source"), writer);
      expect(others).toEqual([]);
      expect(item?.fix).not.toContain("can act as a superuser");
      expect(item?.result).toBe("failed");
      expect(item?.evidence).toEqual([
        `no CREATE on database ${target.name}`,
        "no CREATE on schema public",
        "not a member of target_owner, which owns some of the objects",
        "no CREATE on schema public for target_owner, which will own objects in it",
      ]);
      await mend(item, source.endpoint("source"), target.endpoint("target"));
      expect(await itemsOf("target-privileges", source.endpoint("source"), writer)).toMatchObject([{ result: "passed" }]);
    } finally {
      await target.query(`revoke target_owner from ${WRITER}`);
    }
  });

  it("asks for CREATE on schemas that exist for those who will own objects there, unless the migration itself can give it; its SQL mends it", async () => {
    const [writer, owner, group] = ["schema_writer", 'Schema "owner"', "schema_group"];
    await createAccount(major, writer);
    await createAccount(major, owner);
    await createAccount(major, group, "nologin");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const name = quoteIdentifier(owner);
    await source.query(`create table t (id serial primary key); create view v as select id from t; create type e as enum ('a'); alter table t owner to ${name}; alter view v owner to ${name};
      alter type e owner to ${name}`);
    await target.query(
      `alter database ${target.name} owner to ${writer}; revoke create on schema public from public; grant create on schema public to ${writer}; grant ${name} to ${writer}`,
    );
    const ends = [source.endpoint("source"), asAccount(target, "target", writer)] as const;
    const looked = async (): Promise<unknown> => {
      const items = (await runChecks(...ends)).filter(({ id, result }) => result === "failed" || id === "target-privileges" || id === "structure-rehearsal");
      return Object.fromEntries(items.map(({ id, result }) => [id, result]));
    };
    const [fine, lacking] = [{ "target-privileges": "passed", "structure-rehearsal": "passed" }, { "target-privileges": "failed" }];
    try {
      const [item] = await itemsOf("target-privileges", ...ends);
      const evidence = [`no CREATE on schema public for ${owner}, which will own objects in it`];
      expect(item).toMatchObject({ result: "failed", evidence, fixSql: `grant create on schema "public" to ${name};` });
      await mend(item, ends[0], target.endpoint("target"));
      expect(await looked()).toEqual(fine);
      await target.query(`revoke create on schema public from ${name}`);
      // By a group, to which the source gives the right, which the account may pass on.
      await source.query(`grant all on schema public to ${group}`);
      await target.query(`grant ${group} to ${name}; revoke create on schema public from ${writer}; grant all on schema public to ${writer}`);
      expect(await looked()).toEqual(major < 15 ? lacking : fine); // since 15 schema public belongs to the owner of the database
      await target.query(`grant all on schema public to ${writer} with grant option`);
      expect(await looked()).toEqual(fine);
    } finally {
      await target.query(`revoke ${name} from ${writer}; revoke ${group} from ${name}`);
    }
  });

  it("asks for more than a membership where the account does not inherit, or may not SET ROLE; its SQL mends it", async () => {
    const writer = "noinherit_writer";
    await createAccount(major, writer, "login noinherit");
    await createAccount(major, "target_owner");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query("create table public.u (a int); alter table public.u owner to target_owner");
    await target.query(`alter database ${target.name} owner to ${writer}; grant create on schema public to ${writer}, target_owner`);
    const ends = [source.endpoint("source"), asAccount(target, "target", writer)] as const;
    // It may be a member already.
    const before = ["", `grant target_owner to ${writer}`, ...(major >= 16 ? [`grant target_owner to ${writer} with inherit true, set false`] : [])];
    for (const membership of before) {
      await target.query(membership);
      try {
        const [item] = await itemsOf("target-privileges", ...ends);
        expect(item).toMatchObject({ result: "failed", evidence: ["not a member of target_owner, which owns some of the objects"] });
        await mend(item, ends[0], target.endpoint("target"));
        const items = await runChecks(...ends);
        expect(items.filter(({ id }) => id === "target-privileges" || id === "structure-rehearsal")).toMatchObject([{ result: "passed" }, { result: "passed" }]);
      } finally {
        await target.query(`revoke target_owner from ${writer}; alter role ${writer} noinherit`);
      }
    }
  });

  it("asks for no membership when owners are left out, and fails for grants of others", async () => {
    await createAccount(major, WRITER);
    await createAccount(major, "target_owner");
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`create table t (a int); grant select on t to target_owner with grant option; set role target_owner; grant select on t to ${WRITER}; reset role`);
    await target.query(`grant create on database ${target.name} to ${WRITER}; grant create on schema public to ${WRITER}`);
    const writer = asAccount(target, "target", WRITER);
    expect(await itemsOf("target-privileges", source.endpoint("source"), writer, { noOwner: true, noPrivileges: true })).toMatchObject([{ result: "passed" }]);
    // Two items: rights that somebody can grant, and what only a superuser can do.
    const items = await itemsOf("target-privileges", source.endpoint("source"), writer);
    expect(items[0]?.fixSql).toBeUndefined(); // it would make a superuser of the account
    expect(items).toMatchObject([
      { evidence: ["not a member of postgres, which owns some of the objects"], fix: expect.stringContaining("can act as a superuser") as string },
      { evidence: ["ACL public.TABLE t: granted by another role than the owner, which only a superuser can repeat"] },
    ]);
    expect(await itemsOf("target-privileges", source.endpoint("source"), writer, { noOwner: true })).toMatchObject([
      { result: "failed", evidence: ["ACL public.TABLE t: granted by another role than the owner, which only a superuser can repeat"] },
    ]);
  });

  it("asks for membership in the roles that own large objects, too; its SQL mends it, and the objects move with their owners", async () => {
    const owner = 'Large "owner"';
    const name = quoteIdentifier(owner);
    await createAccount(major, WRITER);
    await createAccount(major, owner);
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await source.query(`select lo_create(1); alter large object 1 owner to ${name}`);
    await target.query(`grant create on database ${target.name} to ${WRITER}`);
    const ends = [source.endpoint("source"), asAccount(target, "target", WRITER)] as const;
    const items = async (changes: object) => await itemsOf("target-privileges", ...ends, changes);
    expect(await items({ noOwner: true })).toMatchObject([{ result: "passed" }]);
    expect(await items({ type: "structure" })).toMatchObject([{ result: "passed" }]);
    const [item] = await items({});
    expect(item).toMatchObject({
      result: "failed",
      evidence: [`not a member of ${owner}, which owns some of the objects`],
      fixSql: `grant ${name} to "${WRITER}"${major >= 16 ? " with inherit true, set true" : ""};`,
    });
    try {
      await mend(item, ends[0], target.endpoint("target"));
      expect(await items({})).toMatchObject([{ result: "passed" }]);
      await migrate(taskOptions(...ends, { acceptAlarms: true }), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
      expect(await target.query("select pg_get_userbyid(lomowner) as owner from pg_largeobject_metadata")).toEqual([{ owner }]);
    } finally {
      await target.query(`revoke ${name} from ${WRITER}`);
    }
  });

  it("fails for a target that takes no writes", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await target.query(`alter database ${target.name} set default_transaction_read_only = on`);
    const items = await itemsOf("target-privileges", source.endpoint("source"), target.endpoint("target"));
    expect(items).toMatchObject([{ result: "failed", evidence: [`database ${target.name}: default_transaction_read_only is on`] }]);
    expect(items[0]?.why).toContain("read-only target");
    await target.query(`alter database ${target.name} reset default_transaction_read_only`);
    expect(await itemsOf("target-privileges", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
  });

  it("fails for a role that reads by default, and not for what is said of one transaction", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    await createAccount(major, "reading_writer", "login superuser");
    const writer = asAccount(target, "target", "reading_writer");
    const items = async () => await itemsOf("target-privileges", source.endpoint("source"), writer);
    try {
      await target.query("alter role reading_writer set transaction_read_only = on"); // PostgreSQL takes it, and every transaction forgets it
      expect(await items()).toMatchObject([{ result: "passed" }]);
      await target.query("alter role reading_writer set default_transaction_read_only = on");
      expect(await items()).toMatchObject([{ result: "failed", evidence: [`database ${target.name}: default_transaction_read_only is on`] }]);
    } finally {
      await target.query("alter role reading_writer reset all");
    }
    expect(await items()).toMatchObject([{ result: "passed" }]);
  });

  it("asks for CREATEDB and CREATEROLE when databases and roles move", async () => {
    await createAccount(major, WRITER);
    const source = await createDatabase(major);
    // The database exists under its name on this same server, so one that does not is asked for by hand.
    const include = [{ kind: "role", pattern: "postgres" }] as const;
    const [item] = await itemsOf("target-privileges", source.endpoint("source"), { ...asAccount(source, "target", WRITER) }, { include });
    expect(item).toMatchObject({ result: "failed", evidence: ["no CREATEROLE, for 1 roles"], fixSql: `alter role "${WRITER}" createrole;` });
  });
});

const [oldest, newest] = [TEST_MAJORS[0]!, TEST_MAJORS.at(-1)!];

it.runIf(oldest !== newest)("asks for CREATEDB and CREATEROLE at once; its SQL gives both", async () => {
  await createAccount(newest, "bare_writer");
  const [source, elsewhere] = [await createDatabase(oldest), await createDatabase(newest)];
  const include = [{ kind: "role", pattern: "postgres" } as const, { kind: "database", pattern: source.name } as const];
  const writer = asAccount(elsewhere, "target", "bare_writer");
  const atServer = async () => (await itemsOf("target-privileges", source.endpoint("source"), writer, { include })).filter(({ scope }) => scope.startsWith("target "));
  const [item] = await atServer();
  expect(item).toMatchObject({ result: "failed", evidence: [`no CREATEDB, for ${source.name}`, "no CREATEROLE, for 1 roles"] });
  await mend(item, source.endpoint("source"), elsewhere.endpoint("target"));
  expect(await atServer()).toEqual([]);
});

it("fails for a standby, until it is promoted", async () => {
  const source = await createDatabase(newest);
  await using target = await startServer({ major: newest });
  await becomeStandby(target);
  const end = parseEndpoint("target", target.uri());
  const [item] = await itemsOf("target-privileges", source.endpoint("source"), end);
  expect(item).toMatchObject({ result: "failed", evidence: ["database postgres: the server is a standby (pg_is_in_recovery)"] });
  {
    await using session = await openSession(end);
    await session.query("select pg_promote()");
  }
  expect(await itemsOf("target-privileges", source.endpoint("source"), end)).toMatchObject([{ result: "passed" }]);
});

describe.runIf(oldest < 15 && newest >= 15)("schema public of a source before 15 keeps the target's owner", () => {
  it("is said; an alarm only where somebody chose that owner", async () => {
    await createAccount(newest, WRITER);
    const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
    await target.query(`alter database ${target.name} owner to ${WRITER}`);
    const writer = asAccount(target, "target", WRITER);
    expect(await itemsOf("target-privileges", source.endpoint("source"), target.endpoint("target"))).toMatchObject([{ result: "passed" }]);
    expect(await itemsOf("target-privileges", source.endpoint("source"), writer)).toMatchObject([
      { result: "passed", evidence: [`schema public: owner postgres at the source, for which the account ${WRITER} may not act`] },
    ]);
    await createAccount(oldest, "public_owner");
    await source.query("alter schema public owner to public_owner");
    const missing = [{ result: "alarm", evidence: ["schema public: owner public_owner at the source, a role that the target does not have"] }];
    expect(await itemsOf("target-privileges", source.endpoint("source"), target.endpoint("target"))).toMatchObject(missing);
    expect(await itemsOf("target-privileges", source.endpoint("source"), writer)).toMatchObject(missing);
  });

  it("a plain account that owns both databases moves one without an alarm", async () => {
    const owner = "plain_owner";
    const [source, target] = [await createDatabase(oldest), await createDatabase(newest)];
    for (const [major, database] of [
      [oldest, source],
      [newest, target],
    ] as const) {
      // prettier-ignore
      await createAccount(major, owner);
      await database.query(`alter database ${database.name} owner to ${owner}`);
    }
    await source.query(`set role ${owner}; create table parent (id serial primary key); create table child (id int primary key, parent int references parent);
      insert into parent default values; insert into child values (1, 1)`);
    const ends = [asAccount(source, "source", owner), asAccount(target, "target", owner)] as const;
    const items = await runChecks(...ends);
    expect(items.filter(({ result }) => result !== "passed")).toEqual([]);
    await migrate(taskOptions(...ends), { report: () => undefined, progress: newProgress(), signal: new AbortController().signal });
    expect(await target.query("select parent from child")).toEqual([{ parent: 1 }]);
  });
});
