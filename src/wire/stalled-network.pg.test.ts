import { describe, expect, it } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { openStallingProxy } from "../../test/kit/stalling-proxy.ts";
import { relayCopy } from "./copy-relay.ts";
import { openSession } from "./session.ts";

const major = TEST_MAJORS.at(-1)!;
/** What is given up in the end: after a second, and a moment for this machine. */
const GIVEN_UP_MS = 4000;

it("a network that stalls right behind the login does not keep an interruption waiting", async () => {
  const database = await createDatabase(major);
  // What the client sends is passed on up to its first query (Q: https://www.postgresql.org/docs/current/protocol-message-formats.html).
  await using proxy = await openStallingProxy(database.endpoint("source").port, (sent) => sent[0] === "Q".codePointAt(0));
  const controller = new AbortController();
  const opening = openSession({ ...database.endpoint("source"), port: proxy.port }, { signal: controller.signal });
  opening.catch(() => undefined);
  await expect.poll(() => proxy.isStalled()).toBe(true);
  const since = Date.now();
  controller.abort(new Error("stop"));
  await expect(opening).rejects.toThrow("stop");
  expect(Date.now() - since).toBeLessThan(GIVEN_UP_MS);
});

describe("a network that stalls in the middle of a COPY", () => {
  it.each(["source", "target"] as const)("does not keep an interruption waiting: the %s", async (side) => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    await target.query("create table a (id bigint)");
    await using proxy = await openStallingProxy((side === "source" ? source : target).endpoint(side).port);
    const from = await openSession({ ...source.endpoint("source"), ...(side === "source" ? { port: proxy.port } : {}) });
    const into = await openSession({ ...target.endpoint("target"), ...(side === "target" ? { port: proxy.port } : {}) });
    const controller = new AbortController();
    const counters = { bytes: 0, rows: 0 };
    const job = { sourceSql: "copy (select generate_series(1, 1000000000)) to stdout", targetSql: "begin; copy public.a from stdin; commit", objects: ["a"] };
    const relay = relayCopy(from, into, job, counters, controller.signal);
    relay.catch(() => undefined);
    await expect.poll(() => counters.rows).toBeGreaterThan(1000);
    proxy.stall();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const since = Date.now();
    controller.abort(new Error("stop"));
    await expect(relay).rejects.toThrow("stop");
    expect(Date.now() - since).toBeLessThan(GIVEN_UP_MS);
    // The side that still answers can be used; the other is gone.
    expect({ source: from.socket.destroyed, target: into.socket.destroyed }).toEqual({ source: side === "source", target: side === "target" });
    if (side === "source") await into.query("rollback");
    await Promise.all([from.close(), into.close()]);
    expect(Date.now() - since).toBeLessThan(GIVEN_UP_MS + 2500);
  });
});
