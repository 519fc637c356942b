import { describe, expect, it } from "vitest";
import { itemsOf, mend } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS } from "../../../test/kit/majors.ts";
import { startServer } from "../../embedded/server.ts";
import { parseEndpoint } from "../../wire/endpoint.ts";
import { openSession } from "../../wire/session.ts";

const TYPE = { type: "full+incremental" } as const;

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("passes without a limit", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    expect(await itemsOf("wal-retention", ...ends, TYPE)).toMatchObject([{ result: "passed", evidence: [expect.stringContaining("without a limit")] }]);
  });

  it.runIf(major >= 13)("raises an alarm for limits that may cost the slot; its SQL lifts them", async () => {
    await using server = await startServer({ major, settings: { max_slot_wal_keep_size: "1GB", ...(major >= 18 ? { idle_replication_slot_timeout: "1h" } : {}) } });
    const target = await createDatabase(major);
    const ends = [parseEndpoint("source", server.uri()), target.endpoint("target")] as const;
    const [item] = await itemsOf("wal-retention", ...ends, TYPE);
    expect(item).toMatchObject({ result: "alarm", evidence: ["max_slot_wal_keep_size = 1024 MB", ...(major >= 18 ? ["idle_replication_slot_timeout = 3600 s"] : [])] });
    await using session = await openSession(ends[0]);
    await mend(item, ...ends);
    await expect.poll(async () => await session.query("show max_slot_wal_keep_size")).toEqual([{ max_slot_wal_keep_size: "-1" }]);
    expect(await itemsOf("wal-retention", ...ends, TYPE)).toMatchObject([{ result: "passed" }]);
  });
});
