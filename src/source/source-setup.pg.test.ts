import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createDatabase, type TestDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import type { Catalog, Relation } from "../catalog/catalog.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { openSession, type Session } from "../wire/session.ts";
import type { Blocked, Patience } from "./lock-patiently.ts";
import { describeIdentity, type IdentityChange } from "./replica-identity.ts";
import { setReplicaIdentities } from "./replica-identity.ts";
import { applySourceSetup, decideLaterIdentities, identityCandidates, type LaterIdentities, planSourceSetup, type SourceSetup, undoSourceSetup } from "./source-setup.ts";

const SIGNAL = new AbortController().signal;
const PATIENCE: Patience = { forMs: 5000 };
const all = (): boolean => true;

async function setUp(session: Session, catalog: Catalog, isSelected: (relation: Relation) => boolean = all): Promise<SourceSetup> {
  const setup = await planSourceSetup(session, "test01", catalog, isSelected);
  await applySourceSetup(session, setup, catalog, isSelected, PATIENCE, SIGNAL);
  return setup;
}

function decided(identities: readonly IdentityChange[]): Record<string, string> {
  return Object.fromEntries(identities.map(({ name, before, during }) => [name, `${describeIdentity(before)} -> ${describeIdentity(during)}`]));
}

async function identities(database: TestDatabase): Promise<unknown> {
  return await database.query(
    "select oid::regclass::text as table, relreplident::text as identity from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
}

async function publishedTables(database: TestDatabase): Promise<string[]> {
  const rows: readonly { readonly name: string }[] = await database.query("select prrelid::regclass::text as name from pg_publication_rel order by 1");
  return rows.map(({ name }) => name);
}

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  const since = (version: number, sql: string): string => (major >= version ? sql : "");
  const TABLES = `
    create table keyed (id int primary key, v text);
    create table deferred (id int primary key deferrable, v text);
    create table deferred_unique (id int primary key deferrable, code text not null unique, v text);
    create table keyless (v text);
    create table full_already (v text); alter table full_already replica identity full;
    create table nothing_keyed (id int primary key, v text); alter table nothing_keyed replica identity nothing;
    create table nothing_keyless (v text); alter table nothing_keyless replica identity nothing;
    create table indexed (a int not null, b int not null, v text, unique (a, b)); alter table indexed replica identity using index indexed_a_b_key;
    create table "Not ""good""" (a int not null, b int, c int not null, v text);
    create unique index on "Not ""good""" (b); create unique index on "Not ""good""" (a) where c > 0; create unique index on "Not ""good""" ((a + 1));
    create unique index on "Not ""good""" (c, b); alter table "Not ""good""" add unique (a) deferrable;
    create table smallest (a int not null, b int not null, c int not null, v text);
    create unique index smallest_abc on smallest (a, b, c); create unique index smallest_ab on smallest (a, b);
    create table dropped (a int not null, v text, unique (a)); alter table dropped replica identity using index dropped_a_key; alter table dropped drop constraint dropped_a_key;
    create unlogged table fleeting (v text);
    create table parent (v text); create table child () inherits (parent);
    ${since(11, "create table included (a int not null, b text, v text); create unique index included_key on included (a) include (b);")}
    ${since(12, "create table generated_key (a int not null, g int generated always as (a + 1) stored primary key, v text);")}
    ${since(12, "create table generated_full (a int, g int generated always as (a + 1) stored, v text);")}`;

  it("decides which tables need another replica identity, and takes all of it back", async () => {
    const database = await createDatabase(major);
    await database.query(TABLES);
    const before = await identities(database);
    await using session = await openSession(database.endpoint("source"));
    const catalog = await readCatalog(session);
    const setup = await setUp(session, catalog);
    expect(decided(setup.identities)).toEqual({
      deferred: "default -> full",
      deferred_unique: "default -> index deferred_unique_code_key",
      keyless: "default -> full",
      nothing_keyed: "nothing -> default",
      nothing_keyless: "nothing -> full",
      'Not "good"': "default -> full",
      smallest: "default -> index smallest_ab",
      dropped: "an index that was dropped -> full",
      parent: "default -> full",
      child: "default -> full",
      ...(major >= 11 ? { included: "default -> index included_key" } : {}),
      ...(major >= 12 ? { generated_full: "default -> full" } : {}),
      ...(major >= 12 && major < 18 ? { generated_key: "default -> full" } : {}),
    });
    expect(JSON.parse(JSON.stringify(setup))).toEqual(setup);
    // Nothing more to do: neither now nor in a run that goes on.
    expect((await planSourceSetup(session, "test01", catalog, all)).identities).toEqual([]);
    const again = await applySourceSetup(session, setup, catalog, all, PATIENCE, SIGNAL);
    expect(new Set(again.identities.map(({ outcome }) => outcome))).toEqual(new Set(["already"]));
    expect(again.publication).toMatchObject({ created: false, added: 0, removed: 0 });

    // The application may go on to update and delete, whatever table it is.
    for (const { name } of catalog.relations.filter(({ kind }) => kind === "table")) {
      const table = `"${name.replaceAll('"', '""')}"`;
      await database.query(`update ${table} set v = 'x'; delete from ${table}`);
    }
    expect(await undoSourceSetup(session, setup, PATIENCE, SIGNAL)).toMatchObject({ slot: "missing", publication: "dropped" });
    expect(await database.query("select from pg_publication")).toEqual([]);
    const after = await identities(database);
    // There is no way back to an index that does not exist; NOTHING means the same.
    expect(after).toEqual((before as { table: string; identity: string }[]).map((row) => (row.table === "dropped" ? { ...row, identity: "n" } : row)));
    const nothingToUndo = await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
    expect(nothingToUndo).toMatchObject({ slot: "missing", publication: "missing" });
  });

  it.runIf(major >= 18)("refuses to publish a table whose updates the source would then refuse", async () => {
    const database = await createDatabase(major);
    await database.query(`
      create table keyless (a int, g int generated always as (a + 1) virtual);
      create table fine (a int primary key, g int generated always as (a + 1) virtual); alter table fine replica identity full;
      create table late (a int, v text); alter table late add constraint late_a not null a not valid; create unique index on late (a)`);
    await using session = await openSession(database.endpoint("source"));
    const catalog = await readCatalog(session);
    await expect(planSourceSetup(session, "test01", catalog, all)).rejects.toMatchObject({ code: "precheck-failed", object: "public.keyless" });
    const setup = await setUp(session, catalog, ({ name }) => name !== "keyless");
    expect(decided(setup.identities)).toEqual({ fine: "full -> default", late: "default -> full" });
    await database.query("update keyless set a = 1; insert into fine values (1); update fine set a = 2; delete from fine; delete from late");
    await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
  });

  it("leaves tables alone that were dropped or changed meanwhile, and says so", async () => {
    const database = await createDatabase(major);
    await database.query("create table gone (v text); create table elsewise (v text); create table renamed (v text)");
    await using session = await openSession(database.endpoint("source"));
    const setup = await setUp(session, await readCatalog(session));
    await database.query('drop table gone; alter table elsewise replica identity nothing; alter table renamed rename to "re named"');
    const { identities: outcomes } = await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
    expect(outcomes.map(({ change, outcome }) => `${change.name} ${outcome}`)).toEqual(["elsewise elsewise", "gone dropped", "renamed changed"]);
    expect(await database.query("select relname, relreplident::text as identity from pg_class where relname in ('elsewise', 're named') order by 1")).toEqual([
      { relname: "elsewise", identity: "n" },
      { relname: "re named", identity: "d" },
    ]);
  });

  it("publishes what is selected, partitions through their roots where the server can, and mends what it finds", async () => {
    const database = await createDatabase(major);
    await database.query(`
      create schema other; create table other.t (id int primary key); create table keyed (id int primary key);
      create table parent (id int primary key); create table child (primary key (id)) inherits (parent); create unlogged table fleeting (id int primary key);
      create table measure (at int not null, v int) partition by range (at);
      create table measure_low partition of measure for values from (0) to (10) partition by range (at);
      create table measure_low_a partition of measure_low for values from (0) to (5);
      create table measure_high partition of measure for values from (10) to (20);
      create table empty_root (at int not null) partition by range (at)`);
    await using session = await openSession(database.endpoint("source"));
    const catalog = await readCatalog(session);
    const setup = await setUp(session, catalog);
    const whole = major >= 13 ? ["child", "empty_root", "keyed", "measure", "other.t", "parent"] : ["child", "keyed", "measure_high", "measure_low_a", "other.t", "parent"];
    expect(await publishedTables(database)).toEqual(whole);
    expect(await database.query("select pubinsert and pubupdate and pubdelete as all from pg_publication")).toEqual([{ all: true }]);

    const some = ({ name }: Relation): boolean => name !== "measure_high" && name !== "parent";
    await applySourceSetup(session, setup, catalog, some, PATIENCE, SIGNAL);
    expect(await publishedTables(database)).toEqual(major >= 13 ? ["child", "empty_root", "keyed", "measure_low", "other.t"] : ["child", "keyed", "measure_low_a", "other.t"]);
    const { publication } = await applySourceSetup(session, setup, catalog, all, PATIENCE, SIGNAL);
    expect(publication).toEqual({ name: "godwit_test01", created: false, added: 2, removed: major >= 13 ? 1 : 0 });
    await applySourceSetup(session, setup, catalog, () => false, PATIENCE, SIGNAL);
    expect(await publishedTables(database)).toEqual([]);
    await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
  });

  it("gives an identity to partitions that come later, and to tables whose index was dropped", async () => {
    const database = await createDatabase(major);
    await database.query(`create table measure (at int not null, v int) partition by range (at); create table measure_a partition of measure for values from (0) to (10);
      create table coded (code text not null, other text not null, v int); create unique index coded_code on coded (code)`);
    await using session = await openSession(database.endpoint("source"));
    const catalog = await readCatalog(session);
    let setup = await setUp(session, catalog);
    expect(decided(setup.identities)).toEqual({ coded: "default -> index coded_code", measure_a: "default -> full" });
    const oids = identityCandidates(catalog, all);
    const look = async (): Promise<LaterIdentities> => {
      const later = await decideLaterIdentities(session, setup, oids);
      await setReplicaIdentities(session, later.changes, PATIENCE, SIGNAL);
      setup = { ...setup, identities: [...setup.identities.filter(({ oid }) => !later.kept.some((kept) => kept.oid === oid)), ...later.kept] };
      return later;
    };
    expect(await look()).toEqual({ changes: [], kept: [], impossible: [] });
    await database.query("create table measure_b partition of measure for values from (10) to (20); create unique index coded_other on coded (other); drop index coded_code");
    const { changes, kept } = await look();
    const measures = major >= 13 ? { measure_b: "default -> full" } : {};
    expect(decided(changes)).toEqual({ coded: "an index that was dropped -> index coded_other", ...measures });
    expect(decided(kept)).toEqual({ coded: "default -> index coded_other", ...measures });
    await database.query("insert into measure values (11, 1); update measure set v = 2; insert into coded values ('a', 'b', 1); update coded set v = 2");
    await database.query("drop index coded_other");
    expect(decided((await look()).kept)).toEqual({ coded: "default -> full" });
    expect(await look()).toEqual({ changes: [], kept: [], impossible: [] });
    await database.query("update coded set v = 3; delete from coded");
    await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
    expect(await database.query("select distinct relreplident::text as identity from pg_class where relname in ('coded', 'measure_a', 'measure_b')")).toEqual([{ identity: "d" }]);
  });

  it("does not let the application wait behind it for a lock, and says who has it", async () => {
    const database = await createDatabase(major);
    await database.query("create table busy (v text)");
    await using session = await openSession(database.endpoint("source"));
    await using holder = await openSession(database.endpoint("source"), { applicationName: "nightly report" });
    await holder.query("begin; select * from public.busy");
    const told: Blocked[] = [];
    const catalog = await readCatalog(session);
    const setup = await planSourceSetup(session, "test01", catalog, all);
    const applying = applySourceSetup(session, setup, catalog, all, { forMs: 30_000, onBlocked: (blocked) => told.push(blocked) }, SIGNAL);
    for (let slowest = 0; told.length < 2;) {
      const since = performance.now();
      await database.query("insert into busy values ('x')");
      slowest = Math.max(slowest, performance.now() - since);
      expect(slowest).toBeLessThan(1500); // 200 ms and what a busy machine adds
      await sleep(20);
    }
    expect(told[0]).toMatchObject({ object: "public.busy", blockers: [expect.stringMatching(/^process \d+ \(postgres, nightly report, idle in transaction for \d+ s\)$/)] });
    await holder.query("commit");
    await applying;
    await holder.query("begin; select * from public.busy");
    const failure = undoSourceSetup(session, setup, { forMs: 300 }, SIGNAL);
    await expect(failure).rejects.toMatchObject({ code: "lock-unavailable", message: expect.stringContaining("nightly report") });
    await holder.query("commit");
    await undoSourceSetup(session, setup, PATIENCE, SIGNAL);
  });
});
