import { describe, expect, it } from "vitest";
import { itemsOf, mend, runChecks } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import type { CheckItem } from "../check.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openReplication } from "../../wire/replication.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("mends a server without WAL senders so that it starts again", async () => {
    await using server = await startServer({ major, settings: { wal_level: "minimal", max_wal_senders: 0 } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    const [item] = await itemsOf("replication-slots", ...ends, TYPE);
    expect(item).toMatchObject({ result: "failed", fixSql: "alter system set wal_level = 'logical';\nalter system set max_wal_senders = 1;" });
    await mend(item, ...ends);
    await server.restart();
    const items = await runChecks(...ends, TYPE);
    expect(items.filter(({ id }) => id === "replication-slots" || id === "wal-level")).toMatchObject([{ result: "passed" }, { result: "passed" }]);
  });

  it("fails when none is free, and says how many are needed", async () => {
    await using server = await startServer({ major, settings: { max_replication_slots: 1, max_wal_senders: 3 } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    expect(await itemsOf("replication-slots", ...ends, TYPE)).toMatchObject([
      { result: "passed", evidence: ["max_replication_slots = 1, 0 of others in use, 1 needed", "max_wal_senders = 3, 0 of others in use, 1 needed"] },
    ]);
    const query = async (sql: string): Promise<unknown> => {
      await using session = await openSession(ends[0]);
      return await session.query(sql);
    };
    await query("select pg_catalog.pg_create_physical_replication_slot('standby')");
    const [item] = await itemsOf("replication-slots", ...ends, TYPE);
    expect(item).toMatchObject({ result: "failed", fixSql: "alter system set max_replication_slots = 2;" });
    expect(item?.evidence[0]).toBe("max_replication_slots = 1, 1 of others in use, 1 needed");
    await mend(item, ...ends);
    await server.restart();
    expect(await itemsOf("replication-slots", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
    if (major !== TEST_MAJORS.at(-1)) return;
    // Receivers of somebody else, as many as there may be.
    const { signal } = new AbortController();
    const besidesOthers = async (): Promise<CheckItem[]> => {
      const receivers = await Promise.all(Array.from({ length: 3 }, async () => await openReplication(ends[0], { applicationName: "somebody", signal })));
      try {
        return await runChecks(...ends, TYPE);
      } finally {
        await Promise.all(receivers.map(async (receiver) => await receiver.close()));
      }
    };
    const ofCheck = (items: readonly CheckItem[], id: string): CheckItem | undefined => items.find((item) => item.id === id);
    const before = await besidesOthers();
    const full = ofCheck(before, "replication-slots");
    expect(full).toMatchObject({ result: "failed", fixSql: "alter system set max_wal_senders = 4;" });
    expect(full?.evidence[1]).toBe("max_wal_senders = 3, 3 of others in use, 1 needed");
    await mend(full, ...ends);
    await server.restart();
    const after = await besidesOthers();
    expect(ofCheck(after, "replication-slots")).toMatchObject({ result: "passed", evidence: [expect.anything(), "max_wal_senders = 4, 3 of others in use, 1 needed"] });
    // What is short is no matter of the account.
    expect(ofCheck(before, "replication-connection")).toMatchObject({ result: "passed", evidence: [expect.stringContaining("max_wal_senders")] });
    expect(ofCheck(after, "replication-connection")).toMatchObject({ result: "passed", evidence: [] });
  });
});
