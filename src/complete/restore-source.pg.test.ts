import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../test/kit/majors.ts";
import { readCatalog } from "../catalog/read-catalog.ts";
import { applySourceSetup, planSourceSetup } from "../source/source-setup.ts";
import { createSourceSlot } from "../source/slot.ts";
import { openSession } from "../wire/session.ts";
import { planFence, raiseFence } from "./fence.ts";
import { restoreSource } from "./restore-source.ts";

const SIGNAL = new AbortController().signal;
const PATIENCE = { forMs: 5000 };

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("leaves a source as it was, also behind a fence, and says what was put back", async () => {
    const database = await createDatabase(major);
    await database.query("create table keyless (v text); create table gone (v text); create table keyed (id int primary key)");
    await using session = await openSession(database.endpoint("source"));
    const catalog = await readCatalog(session);
    const setup = await planSourceSetup(session, "test02", catalog, () => true);
    await applySourceSetup(session, setup, catalog, () => true, PATIENCE, SIGNAL);
    await (await createSourceSlot(session, { name: setup.slot, plugin: setup.plugin, receiver: setup.receiver }, SIGNAL))[Symbol.asyncDispose]();
    await database.query("drop table gone");
    await raiseFence(session, await planFence(session), { graceMs: 0, withinMs: 3000 }, SIGNAL);
    await using fenced = await openSession(database.endpoint("source"));
    expect(await restoreSource(fenced, setup, PATIENCE, SIGNAL)).toEqual({
      aligned: [
        { object: `replication slot ${setup.slot}`, to: "dropped" },
        { object: "publication godwit_test02", to: "dropped" },
        { object: "replica identity of public.keyless", from: "full", to: "default" },
      ],
      notes: ["public.gone was dropped meanwhile"],
    });
    expect((await restoreSource(fenced, setup, PATIENCE, SIGNAL)).aligned).toEqual([]);
    const left = await fenced.query("select (select count(*)::int from pg_catalog.pg_publication) as publications, (select count(*)::int from pg_catalog.pg_replication_slots where database = pg_catalog.current_database()) as slots, (select count(*)::int from pg_catalog.pg_class where relreplident <> 'd' and relnamespace = 'public'::pg_catalog.regnamespace and relkind = 'r') as identities"); // prettier-ignore
    expect(left).toEqual([{ publications: 0, slots: 0, identities: 0 }]);
  });
});
