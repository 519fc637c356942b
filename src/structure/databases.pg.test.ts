import { mkdir, chown } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Major, serverIdentity } from "../embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../embedded/server.ts";
import { parseEndpoint, type Side } from "../wire/endpoint.ts";
import { quoteIdentifier, quoteLiteral } from "../wire/quote.ts";
import { openSession, type Session } from "../wire/session.ts";
import { applyRoles } from "./apply-roles.ts";
import { applyDatabaseProperties, createDatabaseSql, readDatabases, readTablespaces } from "./databases.ts";
import { readRoles } from "./read-roles.ts";

const PAIRS: readonly (readonly [Major, Major])[] = [
  [10, 18],
  [18, 10],
  [14, 14],
  [18, 18],
];

const DATABASES = `
  create role "Owner one"; create role clerk; create role "Aud, itor";
  create database "Shop ""one""" template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' owner "Owner one" connection limit 11;
  create database plain;
  create database pattern is_template true;
  comment on database "Shop ""one""" is 'it''s a shop';
  alter database "Shop ""one""" set search_path to 'Sales, North', public;
  alter database "Shop ""one""" set "app.tenant" to 'a=b';
  alter role clerk in database "Shop ""one""" set work_mem to '9MB';
  alter role all in database plain set default_transaction_read_only to on;
  revoke connect on database "Shop ""one""" from public;
  revoke create on database "Shop ""one""" from "Owner one";
  grant connect on database "Shop ""one""" to clerk with grant option;
  set role clerk;
  grant connect on database "Shop ""one""" to "Aud, itor";
  reset role;
  revoke all on database plain from public;
  grant create on database pattern to clerk;`;

const DATABASES_18 = `${DATABASES}
  alter database plain set transaction_timeout to '1h';
  create database fast_case template template0 locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'C' lc_ctype 'C';`;

let servers: ReadonlyMap<string, EmbeddedServer>;

beforeAll(async () => {
  const wanted: readonly (readonly [string, Major])[] = [["from 10", 10], ["from 14", 14], ["from 18", 18], ["to 10", 10], ["to 14", 14], ["to 18", 18]]; // prettier-ignore
  servers = new Map(await Promise.all(wanted.map(async ([name, major]) => [name, await startServer({ major })] as const)));
  for (const major of [10, 14, 18]) {
    await using source = await open(`from ${major}`);
    // CREATE DATABASE wants a message of its own.
    for (const statement of (major === 18 ? DATABASES_18 : DATABASES).split(";\n")) await source.query(statement);
  }
});

afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => await server.stop()));
});

describe.each(PAIRS)("the databases of PostgreSQL %i on %i", (from, to) => {
  it("are the same on both sides", async () => {
    await using source = await open(`from ${from}`);
    await using target = await open(`to ${to}`, "target");
    await empty(target);
    await applyRoles(target, await readRoles(source), { joinCreated: false });
    const databases = await readDatabases(source);
    const notes: string[] = [];
    for (const database of databases.filter(({ name }) => name !== "postgres")) {
      const { sql, problem } = createDatabaseSql(database, target.versionNum, {});
      if (problem !== undefined) {
        notes.push(problem);
        continue;
      }
      await target.query(sql);
      notes.push(...(await applyDatabaseProperties(target, database, { owner: true, privileges: true })));
    }
    const isDown = from === 18 && to === 10;
    expect(notes).toEqual(
      isDown
        ? [
            "database fast_case: its built-in locale C.UTF-8 is not known to PostgreSQL 10 (17 knows it). Create it on the target by hand, with a locale that suits it.",
            "database plain: setting transaction_timeout: left out, the target does not know this setting.",
          ]
        : [],
    );
    const after = await readDatabases(target);
    const possible = databases
      .filter(({ name }) => !isDown || name !== "fast_case")
      .map((database) => ({ ...database, settings: database.settings.filter(({ name }) => !isDown || name !== "transaction_timeout") }));
    expect(after).toEqual(possible);
    expect(after.map(({ name }) => name)).toEqual(expect.arrayContaining([`Shop "one"`, "pattern", "plain", "postgres"]));
  });
});

describe("a database", () => {
  it("keeps the account as owner, and the grants to others, without ownership", async () => {
    await using source = await open("from 14");
    await using target = await open("to 14", "target");
    await empty(target);
    await applyRoles(target, await readRoles(source), { joinCreated: false });
    const shop = (await readDatabases(source)).find(({ name }) => name === `Shop "one"`)!;
    await target.query(createDatabaseSql(shop, target.versionNum, {}).sql!);
    await applyDatabaseProperties(target, shop, { owner: false, privileges: true });
    const [after] = (await readDatabases(target)).filter(({ name }) => name === shop.name);
    expect(after?.owner).toBe("postgres");
    expect(after?.grants?.filter(({ grantee }) => grantee === "clerk" || grantee === "Aud, itor")).toEqual([
      { grantee: "clerk", grantor: "postgres", privilege: "CONNECT", grantable: true },
      { grantee: "Aud, itor", grantor: "postgres", privilege: "CONNECT", grantable: false },
    ]);
  });

  it("gets no rights without privileges, and settings of unknown roles are noted", async () => {
    await using source = await open("from 14");
    await using target = await open("to 14", "target");
    await empty(target);
    const shop = (await readDatabases(source)).find(({ name }) => name === `Shop "one"`)!;
    await target.query(createDatabaseSql(shop, target.versionNum, {}).sql!);
    expect(await applyDatabaseProperties(target, shop, { owner: false, privileges: false })).toEqual([
      `database Shop "one": settings of role clerk left out, the target has no such role.`,
    ]);
    const [after] = (await readDatabases(target)).filter(({ name }) => name === shop.name);
    expect(after).toMatchObject({ grants: null, connectionLimit: 11, comment: "it's a shop" });
  });

  it("in a tablespace of its own goes to the one that is mapped", async () => {
    await using source = await open("from 14");
    await using target = await open("to 14", "target");
    await empty(target);
    for (const [session, server, name] of [
      [source, "from 14", "Fast one"],
      [target, "to 14", "ssd"],
    ] as const) {
      const location = join(servers.get(server)!.directory, "space");
      await mkdir(location);
      const identity = serverIdentity();
      if (identity !== undefined) await chown(location, identity.uid, identity.gid);
      await session.query(`create tablespace ${quoteIdentifier(name)} location ${quoteLiteral(location)}`);
    }
    await source.query(`create database spaced tablespace "Fast one"`);
    await source.query(
      `alter role clerk set default_tablespace to "Fast one"; alter role clerk set temp_tablespaces to "Fast one", ''; alter role "Owner one" set default_tablespace to "Fast one"`,
    );
    await source.query(`alter database spaced set default_tablespace to "Fast one"; alter role clerk in database spaced set temp_tablespaces to "Fast one"`);
    expect(await readTablespaces(source)).toEqual([{ name: "Fast one", owner: "postgres", location: expect.stringMatching(/space$/) as string, comment: null }]);
    const spaced = (await readDatabases(source)).find(({ name }) => name === "spaced")!;
    await target.query(createDatabaseSql(spaced, target.versionNum, { "Fast one": "ssd" }).sql!);
    expect((await readDatabases(target)).find(({ name }) => name === "spaced")?.tablespace).toBe("ssd");

    const tablespaceMap = { "Fast one": "ssd" };
    const roles = (await readRoles(source)).filter(({ name }) => name === "clerk");
    const unmapped = await applyRoles(target, (await readRoles(source)).filter(({ name }) => name === "Owner one"), { joinCreated: false }); // prettier-ignore
    expect(unmapped.notes).toContain("role Owner one: setting default_tablespace: tablespace Fast one is not mapped and left out.");
    await applyRoles(target, roles, { joinCreated: false, tablespaceMap });
    expect((await readRoles(target)).map(({ name, settings }) => ({ name, settings }))).toEqual([
      { name: "Owner one", settings: [] },
      { name: "clerk", settings: [{ name: "default_tablespace", value: "ssd" }, { name: "temp_tablespaces", value: 'ssd, ""' }] }, // prettier-ignore
      { name: "postgres", settings: [] },
    ]);
    expect(await applyDatabaseProperties(target, spaced, { owner: false, privileges: false, tablespaceMap })).toEqual([]);
    expect((await readDatabases(target)).find(({ name }) => name === "spaced")?.settings).toEqual([
      { role: null, name: "default_tablespace", value: "ssd" },
      { role: "clerk", name: "temp_tablespaces", value: "ssd" },
    ]);
  });
});

async function open(name: string, side: Side = "source"): Promise<Session> {
  return await openSession(parseEndpoint(side, servers.get(name)!.uri()));
}

async function empty(session: Session): Promise<void> {
  for (const { name } of await readDatabases(session)) {
    if (name === "postgres") continue;
    await session.query(`alter database ${quoteIdentifier(name)} is_template false`);
    await session.query(`drop database ${quoteIdentifier(name)}`);
  }
  for (const { name } of (await readRoles(session)).filter((role) => !role.isBootstrap)) await session.query(`drop role ${quoteIdentifier(name)}`);
}
