import { execFile } from "node:child_process";
import { chmod, chown, copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { serverIdentity } from "../../../src/embedded/binaries.ts";
import { type EmbeddedServer, startServer } from "../../../src/embedded/server.ts";
import { expectFailure, runCli } from "../../kit/cli.ts";
import { TEST_MAJORS } from "../../kit/majors.ts";
import { runSql } from "./own-server.ts";

const run = promisify(execFile);
const hasOpenssl = await run("openssl", ["version"]).then(
  () => true,
  () => false,
);

/** A server with a certificate for "localhost", and two authorities: the one that signed it and a stranger. */
describe.skipIf(!hasOpenssl)("TLS (needs openssl)", () => {
  let directory = "";
  let server: EmbeddedServer;
  const openssl = async (...args: string[]): Promise<unknown> => await run("openssl", args, { cwd: directory });

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "godwit-tls-"));
    for (const authority of ["ours", "stranger"]) {
      await openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${authority}`, "-keyout", `${authority}.key`, "-out", `${authority}.crt`);
    }
    await openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr");
    await openssl("x509", "-req", "-in", "server.csr", "-CA", "ours.crt", "-CAkey", "ours.key", "-CAcreateserial", "-days", "2", "-out", "server.crt");
    server = await startServer({ major: TEST_MAJORS.at(-1)! });
    for (const name of ["server.crt", "server.key"]) {
      const at = join(server.directory, "data", name);
      await copyFile(join(directory, name), at);
      await chmod(at, 0o600);
      const identity = serverIdentity();
      if (identity !== undefined) await chown(at, identity.uid, identity.gid);
    }
    await runSql(server, "alter system set ssl = on");
    await server.restart();
    await runSql(server, "create database from_here; ".trim());
    await runSql(server, "create database to_there");
    await runSql(server, "create table t as select 1 as a", "from_here");
  });

  afterAll(async () => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  afterEach(async () => void (await runSql(server, "drop table if exists t", "to_there")));

  const migrate = async (host: string, query: string): Promise<Awaited<ReturnType<typeof runCli>>> => {
    const uri = (database: string): string => server.uri(database).replace("127.0.0.1", host);
    return await runCli(["migrate", "--type", "structure", "--source", `${uri("from_here")}?${query}`, "--target", uri("to_there")], { timeLimitMs: 20_000 });
  };
  const authority = (name: string): string => encodeURIComponent(join(directory, `${name}.crt`));

  it("refuses a certificate that another authority signed", async () => {
    for (const mode of ["verify-full", "verify-ca"]) {
      const result = await migrate("localhost", `sslmode=${mode}&sslrootcert=${authority("stranger")}`);
      expectFailure(result, { exit: 3, says: ["tls-refused", "source postgres@localhost", /unable to|self.signed|certificate/], secrets: [server.password] });
    }
  });

  it("refuses a certificate for another host with verify-full", async () => {
    const result = await migrate("127.0.0.1", `sslmode=verify-full&sslrootcert=${authority("ours")}`);
    expectFailure(result, { exit: 3, says: ["tls-refused", "source postgres@127.0.0.1"], secrets: [server.password] });
  });

  it("says which file of certificates cannot be read", async () => {
    const result = await migrate("localhost", "sslmode=verify-full&sslrootcert=/no/such/file.crt");
    expectFailure(result, { exit: 2, says: ["uri-invalid", "/no/such/file.crt"], secrets: [server.password] });
  });

  it("channel_binding=require is honoured: refused where the server cannot prove itself", async () => {
    const bound = await migrate("localhost", `sslmode=verify-full&sslrootcert=${authority("ours")}&channel_binding=require`);
    expect(bound.code, bound.text).toBe(0);
    const clear = await migrate("localhost", "sslmode=disable&channel_binding=require");
    expectFailure(clear, { exit: 3, says: ["tls-refused", "channel_binding is require"], secrets: [server.password] });
  });

  it("sslnegotiation=direct is honoured", async () => {
    const direct = await migrate("localhost", `sslmode=verify-full&sslrootcert=${authority("ours")}&sslnegotiation=direct`);
    expect(direct.code, direct.text).toBe(TEST_MAJORS.at(-1)! >= 17 ? 0 : 3);
  });

  it("goes on where everything is in order", async () => {
    const result = await migrate("localhost", `sslmode=verify-full&sslrootcert=${authority("ours")}`);
    expect(result.code, result.text).toBe(0);
  });
});
