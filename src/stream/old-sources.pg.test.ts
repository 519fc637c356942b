import { expect, it } from "vitest";
import { expectFenceable, planFence, raiseFence, lowerFence, openWriters } from "../complete/fence.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { OLD_MAJORS, ownBuild } from "../embedded/binaries.ts";
import { startServer } from "../embedded/server.ts";
import { parseEndpoint } from "../wire/endpoint.ts";
import { openSession } from "../wire/session.ts";
import { findOtherFiles, readFileNumbers } from "../source/file-numbers.ts";
import { readLateChanges } from "./late-changes.ts";
import { createSourceSlot } from "../source/slot.ts";
import { readSlotHealth } from "../source/slot-health.ts";
import { stopLsn } from "../source/source-position.ts";
import { compareStates, knownTables } from "../source/state-changes.ts";
import { readStatesDigest, readTableStates } from "../source/table-states.ts";
import { applySourceSetup, planSourceSetup, undoSourceSetup } from "../source/source-setup.ts";

const SIGNAL = new AbortController().signal;
const PATIENCE = { forMs: 5000 };
const all = (): boolean => true;

for (const major of OLD_MAJORS) {
  // Nobody packages these: see test/README.md.
  it.skipIf(ownBuild(major) === undefined)(`PostgreSQL ${major}: is set up, looked after, fenced and put back as it was`, async () => {
    await using server = await startServer({ major });
    await using session = await openSession(parseEndpoint("source", server.uri()));
    await session.query("create table public.keyed (id int primary key); create table public.coded (code text not null unique); create table public.keyless (a int)");
    const catalog = await readCatalog(session);
    const setup = await planSourceSetup(session, "test03", catalog, all);
    expect(setup).toMatchObject({ plugin: "test_decoding", publication: null });
    expect(setup.identities.map(({ name, during }) => `${name} ${during.kind}`)).toEqual(["coded index", "keyless full"]);
    await applySourceSetup(session, setup, catalog, all, PATIENCE, SIGNAL);
    const files = await readFileNumbers(session, catalog.relations.map(({ oid }) => oid)); // prettier-ignore
    {
      await using slot = await createSourceSlot(session, { name: setup.slot, plugin: setup.plugin, receiver: setup.receiver }, SIGNAL);
      expect(await readSlotHealth(session, setup.slot, slot.consistentPoint)).toMatchObject({ state: "fine" });
    }
    const from = await stopLsn(session);
    await session.query("insert into public.keyed values (1), (2); insert into public.coded values ('left out')");
    const late = { setup, followed: new Set(["public\0keyed"]), from, onNearEnd: async () => undefined };
    expect(await readLateChanges(session, late, SIGNAL)).toMatchObject({ transactions: 1, changes: 2, tables: ["public.keyed"] });
    const states = await readTableStates(session, null);
    const known = knownTables(states, catalog.relations.map(({ oid }) => oid)); // prettier-ignore
    const digest = await readStatesDigest(session, null);
    expect(await readStatesDigest(session, null)).toBe(digest);
    expect(compareStates(known, states, null)).toEqual({ changes: [], newTables: [], newPartitions: [], quiet: [] });
    await session.query("truncate public.keyless");
    expect(await findOtherFiles(session, files)).toEqual(["public.keyless"]);
    await session.query(
      "drop table public.coded; create table public.coded (code text not null unique); alter table public.keyed rename id to number; create table public.news (a int)",
    );
    expect(await readStatesDigest(session, null)).not.toBe(digest);
    const { changes, newTables } = compareStates(known, await readTableStates(session, null), null);
    expect(changes.map(({ name, what }) => `${name} ${what}`).toSorted()).toEqual(["coded was dropped and made anew", 'keyed has its column "id" renamed to "number"']);
    expect(newTables.map(({ name }) => name)).toEqual(["news"]);
    const fence = await planFence(session);
    await expectFenceable(session, { graceMs: 0, withinMs: 0 }, SIGNAL);
    const raised = await raiseFence(session, fence, { graceMs: 0, withinMs: 3000 }, SIGNAL);
    expect((await stopLsn(session)) >= raised.stop).toBe(true);
    expect(await openWriters(session)).toEqual([]);
    expect(await lowerFence(session, fence)).toMatchObject({ outcome: "lowered" });
    expect(await undoSourceSetup(session, setup, PATIENCE, SIGNAL)).toMatchObject({ slot: "dropped", publication: "missing" });
    expect(
      await session.query(
        "select from pg_catalog.pg_class where relreplident <> 'd' and relkind = 'r' and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = 'public')",
      ),
    ).toEqual([]);
  });
}
