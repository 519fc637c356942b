import { type AddressInfo, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../kit/spawn-cli.ts";
import { openTasks } from "../../../src/task/open-tasks.ts";
import type { Endpoint } from "../../../src/wire/endpoint.ts";
import { type Answered, type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const SECRET = "kept-for-one-server";
const [CA, OTHER_CA] = ["AAAA", "BBBB"].map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`);
const SERVER = { host: "db.example", port: 5433, user: "app", dbname: "shop" };
const target = "postgresql://app@target.example/shop";

const directory = newStateDirectory();
let server: TestServer;
let admin: Client;

beforeAll(async () => {
  server = await startServe({ directory, hasWorker: false });
  admin = await server.logIn();
});
afterAll(async () => await server.stop());

/** A task whose source is this one with a password. */
async function keep(source: object): Promise<string> {
  return (await admin.call("createTask", { body: { source: { ...SERVER, ...source, password: SECRET }, target } })).id;
}

const similar = async (secretsOf: string, source: object): Promise<Answered<unknown>> =>
  await admin.ask("createTask", { body: { source: { ...SERVER, ...source }, target, secretsOf } });

async function sourceOf(answered: Answered<unknown>): Promise<object> {
  expect(answered).toMatchObject({ status: 200 });
  return (await admin.call("getAsked", { params: { id: (answered.body as { id: string }).id } })).source;
}

/** What only the store knows. */
async function endpointOf(id: string): Promise<Endpoint> {
  await using opened = await openTasks({ store: { dir: directory } }, () => undefined);
  return (await opened.tasks.endpoints(id)).source;
}

describe("secrets of a task that are used again", () => {
  it("come with the authority that the server is known by", async () => {
    const id = await keep({ sslmode: "verify-full", sslrootcert: CA });
    const same = { ...SERVER, sslmode: "verify-full" as const };
    expect(await sourceOf(await similar(id, same))).toMatchObject({ hasPassword: true, hasRootCertificate: true, sslmode: "verify-full" });
    await admin.call("modifyTask", { params: { id }, body: { source: { ...same, dbname: "other" }, target } });
    expect((await admin.call("getAsked", { params: { id } })).source).toMatchObject({ dbname: "other", hasPassword: true, hasRootCertificate: true });
    const ofSystem = await keep({ sslmode: "verify-full", sslrootcert: "system" });
    expect(await sourceOf(await similar(ofSystem, same))).toMatchObject({ hasPassword: true, hasRootCertificate: false, sslmode: "verify-full" });
    // For another server nothing is taken, and then there is none.
    expect(await similar(id, { ...same, host: "elsewhere.example" })).toMatchObject({ status: 400, body: { error: { code: "uri-invalid" } } });
    expect(await similar(await keep({ sslmode: "require" }), same)).toMatchObject({ status: 400, body: { error: { code: "uri-invalid" } } });
  });

  it("do not come with another one, also where `require` has one", async () => {
    for (const sslmode of ["require", "verify-ca", "verify-full"]) {
      const id = await keep({ sslmode, sslrootcert: CA });
      expect(await similar(id, { sslmode: "verify-full", sslrootcert: OTHER_CA }), sslmode).toMatchObject({
        status: 400,
        body: { error: { code: "uri-invalid", object: "sslmode" } },
      });
    }
  });

  it("stay bound to the channel", async () => {
    const id = await keep({ sslmode: "require", channel_binding: "require" });
    const made = await similar(id, { sslmode: "require", channel_binding: "disable" });
    expect(await sourceOf(made)).toMatchObject({ hasPassword: true });
    expect(await endpointOf((made.body as { id: string }).id)).toMatchObject({ password: SECRET, tls: { channelBinding: true } });
  });

  it("go to no other account by a NUL in the name of a database", async () => {
    const seen: string[] = [];
    const fake = createServer((socket) => {
      socket.on("data", (data) => (data.length === 8 ? socket.write("N") : (seen.push(data.toString("latin1")), socket.destroy())));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => fake.listen(0, "127.0.0.1", resolve));
    const { port } = fake.address() as AddressInfo;
    const answered = await admin.ask("listObjects", { body: { endpoint: { host: "127.0.0.1", port, user: "low", dbname: "d" }, database: "d\0user\0postgres" } });
    fake.close();
    expect(answered).toMatchObject({ status: 400, body: { error: { code: "request-invalid", object: "body" } } });
    expect(seen).toEqual([]);
  });
});

it("the command line tells a server of the system's authorities, and of session attributes", async () => {
  const { token } = await admin.call("createToken", { body: { name: "cli", role: "operator" } });
  const uri = "postgresql://app:x@db.example/shop?sslmode=verify-full&sslrootcert=system&target_session_attrs=read-only";
  const made = await runCli(["task", "create", "--draft", "--source", uri, "--target", target, "--json"], { GODWIT_SERVER: server.url, GODWIT_TOKEN: token });
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const { id } = JSON.parse(made.stdout.trim().split("\n")[0]!) as { id: string };
  expect(await endpointOf(id)).toMatchObject({ password: "x", sessionAttributes: "read-only", tls: { mode: "verify-full" } });
});
