import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { itemsOf } from "../../../test/kit/checks.ts";
import { createDatabase } from "../../../test/kit/databases.ts";
import { OUTER_MAJORS, TEST_MAJORS } from "../../../test/kit/majors.ts";
import { serverIdentity } from "../../embedded/binaries.ts";
import { openSession } from "../../wire/session.ts";
import type { Endpoint } from "../../wire/endpoint.ts";

/** Where Debian puts it. */
const PGBOUNCER = "/usr/sbin/pgbouncer";

/** A PgBouncer in front of a server. */
async function startPooler(
  { host, port, user, password }: Endpoint,
  mode: "session" | "transaction" | "statement",
  size: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const directory = await mkdtemp(join(tmpdir(), "godwit-pooler-"));
  const own = await freePort();
  const identity = serverIdentity();
  await writeFile(join(directory, "users"), `"${user}" "${password ?? ""}"\n`);
  await writeFile(
    join(directory, "ini"),
    `[databases]\n* = host=${host} port=${port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${own}\nauth_type = plain\nauth_file = ${join(directory, "users")}\npool_mode = ${mode}\nunix_socket_dir =\ndefault_pool_size = ${size}\nignore_startup_parameters = extra_float_digits\n`,
  );
  if (identity !== undefined) for (const path of [directory, join(directory, "users"), join(directory, "ini")]) await chown(path, identity.uid, identity.gid);
  const child = spawn(PGBOUNCER, [join(directory, "ini")], { stdio: "ignore", ...identity });
  return {
    port: own,
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A pooler needs a moment to start. */
async function answering(endpoint: Endpoint): Promise<void> {
  await expect.poll(async () => await openSession(endpoint).then(async (session) => await session.close(), () => "not yet")).toBeUndefined(); // prettier-ignore
}

/** From 1.23 on: https://www.pgbouncer.org/changelog.html */
function letsReplicationThrough(): boolean {
  if (!existsSync(PGBOUNCER)) return false;
  const [, minor] = /PgBouncer 1\.(\d+)/.exec(execFileSync(PGBOUNCER, ["--version"], { encoding: "utf8" })) ?? [];
  return Number(minor) >= 23;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.each(OUTER_MAJORS)("PostgreSQL %i", (major) => {
  it("takes a server for a server", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    const items = await itemsOf("pooler", source.endpoint("source"), target.endpoint("target"));
    expect(items).toMatchObject([
      { result: "passed", evidence: [] },
      { result: "passed", evidence: [] },
    ]);
  });
});

describe.skipIf(!existsSync(PGBOUNCER))("behind PgBouncer", () => {
  const major = TEST_MAJORS.at(-1)!;

  it.each([
    ["transaction", 20, "failed", /^(server process \d+ did transactions of two connections|one connection's transactions were done by the server processes \d+ and \d+)$/],
    // All of them are in use at once.
    ["transaction", 3, "failed", /^(server process \d+ did transactions of two connections|one connection's|a connection that has been served waits)/],
    ["session", 20, "passed", /^there is a pooler in between, which keeps sessions apart/],
  ] as const)("in %s mode with %i processes: %s", async (mode, size, result, evidence) => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await using pooler = await startPooler(ends[0], mode, size);
    const { port } = pooler;
    await answering({ ...ends[0], port });
    const [told, untouched] = [
      { result, evidence: [expect.stringMatching(evidence)] },
      { result: "passed", evidence: [] },
    ];
    expect(await itemsOf("pooler", { ...ends[0], port }, ends[1])).toMatchObject([told, untouched]);
    expect(await itemsOf("pooler", ends[0], { ...ends[1], port })).toMatchObject([untouched, told]);
  });

  it("in statement mode, which lets nobody have a transaction: the target's check fails, and the source is not even read", async () => {
    const [source, target] = [await createDatabase(major), await createDatabase(major)];
    const ends = [source.endpoint("source"), target.endpoint("target")] as const;
    await using pooler = await startPooler(ends[0], "statement", 20);
    const { port } = pooler;
    await answering({ ...ends[0], port });
    const [words, advice] = [
      expect.stringContaining("transaction blocks not allowed in statement pooling mode") as string,
      expect.stringContaining("pool_mode = session") as string,
    ];
    expect(await itemsOf("pooler", ends[0], { ...ends[1], port })).toMatchObject([{ result: "passed" }, { result: "failed", evidence: [words], fix: advice }]);
    const refusal = { code: "precheck-failed", message: words, advice };
    await expect(itemsOf("pooler", { ...ends[0], port }, ends[1])).rejects.toMatchObject(refusal);
    // Roles are rehearsed in a transaction, too, in a session that the other checks need.
    const include = [{ kind: "role", pattern: "postgres" } as const, { kind: "database", pattern: target.name } as const];
    await expect(itemsOf("pooler", ends[0], { ...ends[1], port }, { include })).rejects.toMatchObject(refusal);
  });

  it.skipIf(letsReplicationThrough())("finds no way to the changes", async () => {
    const source = await createDatabase(major);
    const target = await createDatabase(major);
    await using pooler = await startPooler(source.endpoint("source"), "session", 20);
    const endpoint: Endpoint = { ...source.endpoint("source"), port: pooler.port };
    await answering(endpoint);
    const itemFor = async (end: Endpoint): Promise<unknown> => await itemsOf("replication-connection", end, target.endpoint("target"), { type: "full+incremental" });
    const refused = expect.stringContaining("unsupported startup parameter: replication") as string;
    expect(await itemFor(endpoint)).toMatchObject([{ result: "failed", evidence: [refused], fix: expect.stringContaining("not to a pooler") as string }]);
    expect(await itemFor(source.endpoint("source"))).toMatchObject([{ result: "passed" }]);
  });
});
