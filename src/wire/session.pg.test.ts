import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createDatabase } from "../../test/kit/databases.ts";
import { TEST_MAJORS } from "../../test/kit/majors.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import { openSession } from "./session.ts";

/** Of Linux. */
const TCP_TABLE = "/proc/net/tcp";

describe.each(TEST_MAJORS)("a session to PostgreSQL %i", (major) => {
  it("knows the server's version and has the standard settings", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    expect(session.major).toBe(major);
    expect(await session.query("select current_setting('row_security') as rls, current_setting('DateStyle') as style, current_setting('application_name') as app")).toEqual([
      { rls: "off", style: "ISO, YMD", app: "godwit" },
    ]);
  });

  it.runIf(existsSync(TCP_TABLE))("is asked for by TCP while nothing is heard of it", async () => {
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("source"));
    const port = session.socket.localPort!.toString(16).toUpperCase().padStart(4, "0");
    // https://docs.kernel.org/networking/proc_net_tcp.html: timer_active, 2 for "another timer (e.g. delayed ack or keepalive) is pending".
    const timers = (): (string | undefined)[] =>
      readFileSync(TCP_TABLE, "utf8").split("\n").map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(`:${port}`) === true).map(([, , , , , timer]) => timer?.slice(0, 2)); // prettier-ignore
    await expect.poll(timers).toContain("02");
  });

  it("does not take the password of another server from PGPASSWORD", async () => {
    const database = await createDatabase(major);
    const { password } = database.endpoint("source");
    vi.stubEnv("PGPASSWORD", password ?? "");
    vi.stubEnv("PGPASSFILE", "/nonexistent");
    await expect(openSession({ ...database.endpoint("source"), password: undefined })).rejects.toMatchObject({ code: "password-wrong" });
    vi.unstubAllEnvs();
  });

  it("takes nothing else from the environment that node-postgres reads, either", async () => {
    const database = await createDatabase(major);
    const variables = {
      PGOPTIONS: "-c work_mem=123kB -c default_transaction_read_only=on",
      PGREPLICATION: "database",
      PGAPPNAME: "other",
      PGSSLNEGOTIATION: "direct",
      PGSSLMODE: "require",
      PGCLIENT_ENCODING: "LATIN1",
      PGCLIENTENCODING: "LATIN1",
      PGBINARY: "true",
      PGHOST: "nowhere.invalid",
      PGPORT: "1",
      PGUSER: "nobody",
      PGDATABASE: "nothing",
      PGCONNECT_TIMEOUT: "1",
      PGSTATEMENT_TIMEOUT: "1",
      PGFALLBACK_APPLICATION_NAME: "other",
    };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    try {
      await using session = await openSession(database.endpoint("source"));
      const names = ["default_transaction_read_only", "application_name", "client_encoding", "statement_timeout"];
      const settings = names.map((name) => `current_setting('${name}')`).join(", ");
      // A replication connection knows no extended protocol: the parameter shows that this is none.
      const rows = await session.query(`select array[${settings}] as settings, current_setting('work_mem') <> '123kB' as other, current_database() = $1 as here`, [database.name]);
      expect(rows).toEqual([{ settings: ["off", "godwit", "UTF8", "0"], other: true, here: true }]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("makes tables without oids, whatever the database's own setting is", async () => {
    if (major >= 12) return;
    const database = await createDatabase(major);
    await database.query(`alter database ${database.name} set default_with_oids = on`);
    await using session = await openSession(database.endpoint("target"));
    await session.query("create table public.a (b int)");
    expect(await database.query("select relhasoids from pg_class where relname = 'a'")).toEqual([{ relhasoids: false }]);
  });

  it("is missed by the server within seconds, also in the middle of a long statement", async () => {
    if (major < 14) return;
    const database = await createDatabase(major);
    await using session = await openSession(database.endpoint("target"));
    const { backendPid } = session;
    session.query("select pg_sleep(60)").catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    session.socket.destroy(); // what the kernel does for a process that was killed
    await expect.poll(async () => await database.query("select from pg_stat_activity where pid = $1", [backendPid]), { timeout: 9000, interval: 500 }).toEqual([]);
  });

  it("says that no password was given, and how to give one", async () => {
    const database = await createDatabase(major);
    const attempt = openSession({ ...database.endpoint("target"), password: undefined });
    await expect(attempt).rejects.toMatchObject({
      code: "password-wrong",
      message: expect.stringMatching(/^target \S+: the server asks for a password, and no password was given$/) as unknown,
      advice: expect.stringContaining("GODWIT_TARGET_PASSWORD") as unknown,
    });
  });

  it("takes its password from a file that only we may read", async () => {
    const database = await createDatabase(major);
    const endpoint = database.endpoint("source");
    const directory = mkdtempSync(join(tmpdir(), "godwit-pass-"));
    const passFile = join(directory, "pass:file");
    const lines = [
      "# host:port:database:user:password",
      `${endpoint.host}:1:*:${endpoint.user}:other`,
      "*:*:*:some\\:body:other",
      `${endpoint.host}:*:${endpoint.database}:*:${endpoint.password}`,
    ];
    writeFileSync(passFile, `${lines.join("\n")}\n`, { mode: 0o600 });
    const uri = `postgresql://${endpoint.user}@${endpoint.host}:${endpoint.port}/${endpoint.database}`;
    try {
      const named = parseEndpoint("source", `${uri}?passfile=${encodeURIComponent(passFile)}`);
      await using session = await openSession(named);
      expect(await session.query("select 1 as one")).toEqual([{ one: 1 }]);
      await using same = await openSession(parseEndpoint("source", uri, { PGPASSFILE: passFile }));
      expect(same.major).toBe(major);
      chmodSync(passFile, 0o644);
      await expect(openSession(named)).rejects.toThrow(/no password was given \(\S+ is not used: others may read it/);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it("is refused by a server of another kind than target_session_attrs asks for", async () => {
    const database = await createDatabase(major);
    const endpoint = (attributes: string): Endpoint => parseEndpoint("target", `${database.uri}?target_session_attrs=${attributes}`);
    for (const fit of ["any", "read-write", "primary", "prefer-standby"]) await (await openSession(endpoint(fit))).close();
    for (const unfit of ["read-only", "standby"]) await expect(openSession(endpoint(unfit))).rejects.toMatchObject({ code: "server-unfit", exitCode: 3 });
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`);
    await expect(openSession(endpoint("read-write"))).rejects.toThrow(/the server is read-only, and target_session_attrs is read-write/);
    await (await openSession(endpoint("read-only"))).close();
  });

  it("refuses a wrong password with a code and without showing it", async () => {
    const database = await createDatabase(major);
    const attempt = openSession({ ...database.endpoint("target"), password: "sesame-wrong" });
    await expect(attempt).rejects.toMatchObject({ code: "password-wrong", exitCode: 3 });
    await expect(attempt).rejects.not.toThrow(/sesame/);
  });
});
