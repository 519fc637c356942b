import { describe, expect, it } from "vitest";
import { asAccount, createAccount } from "../../test/kit/checks.ts";
import { createDatabase, onServer } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { endSessions, sessionName } from "../copy/ledger.ts";
import { foreignSessions } from "../complete/fence-sessions.ts";
import { dropSlot, receiverName } from "../source/slot.ts";
import { openReplication } from "./replication.ts";
import { openSession } from "./session.ts";

const SIGNAL = new AbortController().signal;

describe.each(TEST_MAJORS)("an account of PostgreSQL %i whose sessions act as another role", (major) => {
  it("ends its own sessions and receivers, which that role could not, and takes none of them for somebody else's", async () => {
    const [login, role] = ["acting_login", "acting_role"];
    await createAccount(major, login, "login replication");
    await createAccount(major, role, "nologin replication");
    await onServer(major, async (admin) => void (await admin.query(`grant ${role} to ${login}; alter role ${login} set role = '${role}'`)));
    const database = await createDatabase(major);
    const endpoint = asAccount(database, "source", login);
    const name = `acting_${process.pid}`;
    const receiver = receiverName("acting");
    await using session = await openSession(endpoint);
    await using replication = await openReplication(endpoint, { applicationName: receiver, signal: SIGNAL });
    await using lane = await openSession(endpoint, { applicationName: sessionName("acting", "1") });
    await replication.createSlot(name, "pgoutput", true);
    expect(await foreignSessions(session, "infinity")).toMatchObject([{ application: "test" }]);
    expect(["dropped", "missing"]).toContain(await dropSlot(session, name, receiver, SIGNAL)); // it is gone with its walsender
    await endSessions(session, "acting");
    await expect(lane.query("select")).rejects.toMatchObject({ code: "connection-lost" });
    expect(await session.query("select current_user::text as role")).toEqual([{ role }]);
    expect(await database.query("select from pg_replication_slots where slot_name = $1", [name])).toEqual([]);
  });
});
