import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Major } from "../embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../embedded/server.ts";
import { parseEndpoint, type Side } from "../wire/endpoint.ts";
import { openSession, type Session } from "../wire/session.ts";
import { applyRoles } from "./apply-roles.ts";
import { missingRoles, readRoles, type RoleFacts } from "./read-roles.ts";

const PAIRS: readonly (readonly [Major, Major])[] = [
  [10, 18],
  [18, 10],
  [14, 14],
  [18, 18],
];

/** Roles are global: these tests have servers of their own. */
const ROLES = `
  set password_encryption = 'scram-sha-256';
  create role admin superuser createdb createrole login replication bypassrls password 'secret of admin' connection limit 7 valid until '2031-02-03 04:05:06+00';
  create role "Group, ""one""" nologin noinherit;
  create role "O'Neil Ünïcode.dot" login password 'secret';
  create role without_password login valid until 'infinity';
  create role reader;
  create role lead createrole;
  create role "needs admin option";
  comment on role reader is 'it''s the reader';
  alter role reader set search_path to '$user', 'Sales, North', public;
  alter role reader set work_mem to '12MB';
  alter role reader set datestyle to 'SQL, DMY';
  alter role reader set "app.motto" to 'a "quoted" = sign, and comma';
  alter role reader set statement_timeout to 0;
  alter role without_password set search_path to '';
  set password_encryption = 'md5';
  create role old_hash login password 'secret';
  grant reader to "O'Neil Ünïcode.dot";
  grant "Group, ""one""" to lead with admin option;
  grant "needs admin option" to lead with admin option;
  set role lead;
  grant "needs admin option" to reader;
  reset role;
  grant reader to "Group, ""one""";
  grant pg_monitor to reader;`;

const ROLES_18 = `${ROLES}
  grant pg_read_all_data to reader;
  grant pg_maintain to reader;
  grant reader to lead with inherit false, set false, admin true;
  grant reader to admin with admin true;
  grant reader to lead with inherit true, admin true granted by admin;
  grant lead to admin with set false;
  grant "needs admin option" to lead with inherit false, set false;
  grant "needs admin option" to pg_monitor;
  grant set, alter system on parameter log_statement to reader with grant option;
  grant set on parameter work_mem to public;
  set role reader;
  grant set on parameter log_statement to lead;
  reset role;
  alter role reader set transaction_timeout to '5s';`;

let servers: ReadonlyMap<string, EmbeddedServer>;

beforeAll(async () => {
  const settings = { log_statement: "all" };
  const wanted: readonly (readonly [string, Major])[] = [["from 10", 10], ["from 14", 14], ["from 18", 18], ["to 10", 10], ["to 14", 14], ["to 18", 18]]; // prettier-ignore
  servers = new Map(await Promise.all(wanted.map(async ([name, major]) => [name, await startServer({ major, settings })] as const)));
  for (const major of [10, 14, 18]) {
    await using source = await open(`from ${major}`);
    await source.query(major === 18 ? ROLES_18 : ROLES);
  }
});

afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => await server.stop()));
});

describe.each(PAIRS)("the roles of PostgreSQL %i on %i", (from, to) => {
  it("are the same on both sides", async () => {
    await using source = await open(`from ${from}`);
    await using target = await open(`to ${to}`, "target");
    await dropRoles(target);
    const roles = await readRoles(source);
    const applied = await applyRoles(target, roles, { joinCreated: false });
    expect(applied.existing).toEqual([]);
    expect(applied.withoutLogin).toEqual([]);
    expect(applied.created).toEqual(roles.filter((role) => !role.isBootstrap).map((role) => role.name));
    const after = await readRoles(target);
    const sameModel = from >= 16 === to >= 16;
    expect(comparable(after, sameModel)).toEqual(comparable(roles, sameModel));
    expect(await missingRoles(target, ["reader", "public", "nobody", "", "nobody"])).toEqual(["nobody"]);
  });
});

describe("applying roles", () => {
  it("on the same version loses nothing, not even who granted a membership with which options", async () => {
    await using source = await open("from 18");
    await using target = await open("to 18", "target");
    await dropRoles(target);
    const { notes } = await applyRoles(target, await readRoles(source), { joinCreated: false });
    expect(notes).toEqual([expect.stringMatching(/^role old_hash: its password is an md5 hash/)]);
    expect(await memberships(target)).toEqual(await memberships(source));
  });

  it("says what an older target cannot hold", async () => {
    await using source = await open("from 18");
    await using target = await open("to 10", "target");
    await dropRoles(target);
    const { notes } = await applyRoles(target, await readRoles(source), { joinCreated: false });
    expect(notes).toEqual([
      "role reader: setting transaction_timeout: left out, the target does not know this setting.",
      "role reader: membership in pg_maintain left out, the target has no role pg_maintain.",
      "role reader: membership in pg_read_all_data left out, the target has no role pg_read_all_data.",
      "role lead: membership in needs admin option: its INHERIT option is left out; before PostgreSQL 16 the member's own INHERIT attribute decides.",
      "role lead: membership in needs admin option: its option SET FALSE is left out; before PostgreSQL 16 every member may SET ROLE.",
      "role lead: membership in reader: 2 grants became one, older versions keep one per pair.",
      "role lead: right SET on log_statement left out, the target has no rights on parameters.",
      "role reader: right SET on log_statement left out, the target has no rights on parameters.",
      "role reader: right ALTER SYSTEM on log_statement left out, the target has no rights on parameters.",
      "role PUBLIC: right SET on work_mem left out, the target has no rights on parameters.",
      expect.stringMatching(/^role old_hash: its password is an md5 hash/),
    ]);
  });

  it("lets people log in with the passwords they had, and keeps hashes out of the target's log", async () => {
    await using source = await open("from 18");
    await using target = await open("to 18", "target");
    await dropRoles(target);
    await applyRoles(target, await readRoles(source), { joinCreated: false });
    await using _admin = await openSession({ ...target.endpoint, user: "admin", password: "secret of admin" });
    const log = await readFile(join(servers.get("to 18")!.directory, "server.log"), "utf8");
    expect(log).toContain("statement: begin");
    expect(log).not.toMatch(/create role "admin"|SCRAM-SHA-256\$/);
  });

  it("leaves a role that exists as it is, and makes it a member of new ones", async () => {
    await using source = await open("from 14");
    await using target = await open("to 14", "target");
    await dropRoles(target);
    await target.query(`create role reader connection limit 3; create role lead`);
    const applied = await applyRoles(target, await readRoles(source), { joinCreated: false });
    expect(applied.existing).toEqual(["lead", "reader"]);
    const after = new Map((await readRoles(target)).map((role) => [role.name, role]));
    expect(after.get("reader")).toMatchObject({ connectionLimit: 3, settings: [], comment: null });
    expect(after.get("lead")?.createRole).toBe(false);
    expect(after.get("lead")?.memberships.map((membership) => membership.role)).toEqual([`Group, "one"`, "needs admin option"]);
    expect((await applyRoles(target, await readRoles(source), { joinCreated: false })).created).toEqual([]);
  });

  it("sets for all roles what the source has for all, and says what it leaves", async () => {
    await using source = await open("from 18");
    await using target = await open("to 14", "target");
    await dropRoles(target);
    try {
      await source.query(`
        alter role all set work_mem to '7MB'; alter role all set search_path to '$user', 'Odd, one'; alter role all set "app.motto" to 'a=b';
        alter role all set transaction_timeout to '1h'; alter role all set default_transaction_read_only to on; alter role all set lock_timeout to '5s'`);
      await target.query("alter role all set lock_timeout to '1min'");
      const notes = async (session: Session) => (await applyRoles(session, await readRoles(source), { joinCreated: false })).notes.filter((note) => note.startsWith("all roles"));
      const left = [
        'all roles (ALTER ROLE ALL): setting default_transaction_read_only: left out, it would bind the migration too: alter role all set "default_transaction_read_only" … when it is done.',
        "all roles (ALTER ROLE ALL): setting lock_timeout: the target has another value, which is left as it is.",
        "all roles (ALTER ROLE ALL): setting transaction_timeout: left out, the target does not know this setting.",
      ];
      expect(await notes(target)).toEqual(left);
      const settings = "select array_to_string(setconfig, ';') as s from pg_db_role_setting where setrole = 0 and setdatabase = 0";
      const values = `lock_timeout=1min;work_mem=7MB;search_path="$user", "Odd, one";app.motto=a=b`;
      expect(await target.query(settings)).toEqual([{ s: values }]);
      expect(await notes(target)).toEqual(left);

      await target.query("alter role all reset all; create role mover createrole login password 'secret'");
      await using plain = await openSession({ ...target.endpoint, user: "mover", password: "secret" });
      expect(await notes(plain)).toContain("all roles (ALTER ROLE ALL): setting work_mem: left out, this account may not set it.");
    } finally {
      for (const session of [source, target]) await session.query("alter role all reset all");
    }
  });

  it("creates roles whose password cannot be read without login, and says so", async () => {
    await using target = await open("to 18", "target");
    await using owner = await open("from 14");
    await owner.query("drop role if exists plain; create role plain login password 'secret'");
    const roles = await readAs("from 14", "plain");
    await owner.query("drop role plain");
    expect(roles.every((role) => role.password === undefined)).toBe(true);
    await dropRoles(target);
    const applied = await applyRoles(target, roles, { joinCreated: false });
    expect(applied.withoutLogin).toEqual(["O'Neil Ünïcode.dot", "admin", "old_hash", "plain", "without_password"]);
    expect(applied.notes).toContain("role admin: created NOLOGIN, its password could not be read; at the source it may log in (LOGIN).");
    const after = await readRoles(target);
    expect(after.filter((role) => role.login).map((role) => role.name)).toEqual(["postgres"]);
    expect(after.find((role) => role.name === "admin")).toMatchObject({ superuser: true, connectionLimit: 7 });
  });

  it.each([["to 10"], ["to 14"], ["to 18"]])("works with an account that may create roles but is no superuser (%s)", async (name) => {
    await using source = await open("from 14");
    await using owner = await open(name, "target");
    await dropRoles(owner);
    await owner.query("create role mover createrole createdb login password 'secret'");
    {
      await using target = await openSession({ ...owner.endpoint, user: "mover", password: "secret" });
      const applied = await applyRoles(target, await readRoles(source), { joinCreated: true });
      expect(applied.withoutLogin).toEqual([]);
      expect(applied.notes.filter((note) => note.startsWith("role admin: created without")).map((note) => note.split(" ")[4])).toEqual([
        "SUPERUSER,",
        "REPLICATION,",
        "BYPASSRLS,",
      ]);
      expect(applied.notes.some((note) => note.startsWith("the target logs statements"))).toBe(true);
      // Settings with a prefix of one's own are a superuser's to store, and from 16 on so are the server's own roles to give.
      expect(applied.notes).toContain("role reader: setting app.motto: left out, this account may not set it.");
      expect(applied.notes.some((note) => note.startsWith("role reader: membership in pg_monitor: left out:"))).toBe(target.major >= 16);
      // It can give objects to every role that it made.
      await target.query(`begin; create temporary table gift (id int4); alter table pg_temp.gift owner to "O'Neil Ünïcode.dot"; rollback`);
    }
    const after = (await readRoles(owner)).find((role) => role.name === "reader");
    expect(after?.memberships.map((membership) => membership.role)).toContain("needs admin option");
    expect(after?.settings.map((setting) => setting.name)).toEqual(["search_path", "work_mem", "DateStyle", "statement_timeout"]);
  });

  it("stops when the account may not create roles", async () => {
    await using owner = await open("to 10", "target");
    await dropRoles(owner);
    await owner.query("create role nobody login password 'secret'");
    await using target = await openSession({ ...owner.endpoint, user: "nobody", password: "secret" });
    await expect(applyRoles(target, [], { joinCreated: false })).rejects.toMatchObject({ code: "privilege-missing" });
  });

  it("does not create a role under the server's own prefix", async () => {
    await using source = await open("from 18");
    await using target = await open("to 18", "target");
    await dropRoles(target);
    const reader = (await readRoles(source)).find((role) => role.name === "reader")!;
    const applied = await applyRoles(target, [{ ...reader, name: "pg_reader", memberships: [], parameterGrants: [] }], { joinCreated: false });
    expect(applied.created).toEqual([]);
    expect(applied.notes).toEqual([expect.stringMatching(/^role pg_reader: not created/)]);
  });
});

async function open(name: string, side: Side = "source"): Promise<Session> {
  return await openSession(parseEndpoint(side, servers.get(name)!.uri()));
}

async function readAs(name: string, user: string): Promise<RoleFacts[]> {
  const endpoint = parseEndpoint("source", servers.get(name)!.uri());
  await using session = await openSession({ ...endpoint, user, password: "secret" });
  return await readRoles(session);
}

/** What an older or newer server keeps in another way is left out of the comparison; "says what …" looks at those. */
function comparable(roles: readonly RoleFacts[], sameModel: boolean): object[] {
  const people = roles.filter((role) => !role.isBootstrap);
  if (sameModel) return people;
  return people.map((role) => ({
    ...role,
    parameterGrants: [],
    settings: role.settings.filter((setting) => setting.name !== "transaction_timeout"),
    memberships: [
      ...new Set(
        role.memberships.filter(({ role: group }) => !/^pg_(read_all_data|maintain)$/.test(group)).map(({ role: group, member, admin }) => `${member} in ${group} ${admin}`),
      ),
    ],
  }));
}

async function memberships(session: Session): Promise<object[]> {
  return await session.query(
    `select roleid::regrole::text, member::regrole::text, grantor::regrole::text, admin_option, inherit_option, set_option from pg_auth_members
     where member::regrole::text not like 'pg\\_%' or roleid::regrole::text not like 'pg\\_%' order by 1, 2, 3`,
  );
}

async function dropRoles(session: Session): Promise<void> {
  const rows = await session.query<{ names: string | null }>("select string_agg(quote_ident(rolname), ', ') as names from pg_roles where oid >= 16384");
  const names = rows[0]?.names;
  if (typeof names !== "string") return;
  if (session.versionNum >= 150000) await session.query("revoke all on parameter work_mem from public");
  await session.query(`drop owned by ${names} cascade; drop role ${names}`);
}
