import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import type { Lsn } from "../wire/lsn.ts";
import { openReplication } from "../wire/replication.ts";
import { expectSameSource } from "./source-server.ts";

describe.each(TEST_MAJORS)("PostgreSQL %i", (major) => {
  it("is known again, and told from other servers and from an earlier state", async () => {
    const database = await createDatabase(major);
    await using replication = await openReplication(database.endpoint("source"));
    const { systemId, timeline, walEnd } = await replication.identify();
    const seen = { slot: "s", upTo: walEnd };
    const server = { systemId, timeline };
    expect(await expectSameSource(replication, undefined, seen)).toEqual(server);
    expect(await expectSameSource(replication, server, seen)).toEqual(server);
    const lost = (message: string): object => ({ code: "slot-lost", object: "s", message: expect.stringContaining(message) });
    await expect(expectSameSource(replication, { ...server, systemId: "4711" }, seen)).rejects.toMatchObject(lost(`system identifier is ${systemId}`));
    await expect(expectSameSource(replication, { ...server, timeline: 2 }, seen)).rejects.toMatchObject(lost("does not come from timeline 2"));
    const ahead = { ...seen, upTo: (walEnd + 2n ** 40n) as Lsn };
    await expect(expectSameSource(replication, server, ahead)).rejects.toMatchObject(lost("it was restored from an earlier state"));
  });
});
