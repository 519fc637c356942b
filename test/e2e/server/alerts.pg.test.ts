import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { THOROUGH } from "../../kit/majors.ts";
import { spawnCli } from "../../kit/spawn-cli.ts";
import { type Client, type TestServer, startServe } from "../../kit/serve.ts";
import { newStateDirectory } from "../../kit/state-directory.ts";

const NOWHERE = { source: "postgresql://a@127.0.0.1:1/a", target: "postgresql://a@127.0.0.1:1/b" };
/** Longer than two looks of a server. */
const TWO_LOOKS_MS = 11_000;

interface Told {
  readonly what: string;
  readonly text: string;
  readonly task: { readonly id: string; readonly state: string } | null;
}

/** An address that alerts are sent to. */
class Receiver implements AsyncDisposable {
  /** What has come, also when it was not answered. */
  readonly told: Told[] = [];
  afterMs = 0;
  status = 204;
  mostAtOnce = 0;
  #open = 0;
  readonly #server = createServer((request, response) => {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#open);
    response.once("close", () => this.#open--);
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      this.told.push(JSON.parse(text) as Told);
      response.statusCode = this.status;
      const timer = setTimeout(() => response.end(), this.afterMs);
      response.once("close", () => clearTimeout(timer));
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  get whats(): string[] {
    return this.told.map(({ what }) => what);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function failedTask(admin: Client): Promise<string> {
  const { id } = await admin.call("createTask", { body: { ...NOWHERE, start: true } });
  await expect.poll(async () => (await admin.call("getTask", { params: { id } })).state, { timeout: 30_000 }).toBe("failed");
  return id;
}

/** Does it with a server of a store of its own, and stops that. */
async function withServer<T>(work: (admin: Client, server: TestServer) => Promise<T>, directory = newStateDirectory()): Promise<T> {
  const server = await startServe({ directory });
  try {
    return await work(await server.logIn(), server);
  } finally {
    await server.stop();
  }
}

describe("an alert that was under way", () => {
  it.runIf(THOROUGH)("when the server stopped is sent again after the next start, and no more once it has arrived", async () => {
    const directory = newStateDirectory();
    await using receiver = await Receiver.start();
    receiver.afterMs = 8000;
    await withServer(async (admin) => {
      await failedTask(admin);
      await admin.call("createWebhook", { body: { name: "slow", url: receiver.url } });
      await expect.poll(() => receiver.whats, { timeout: 20_000 }).toEqual(["failed"]);
    }, directory);
    receiver.afterMs = 0;
    await withServer(async () => {
      await expect.poll(() => receiver.whats, { timeout: 10_000 }).toEqual(["failed", "failed"]);
      await sleep(TWO_LOOKS_MS);
      expect(receiver.whats).toEqual(["failed", "failed"]);
    }, directory);
  });

  it.runIf(THOROUGH)("when the server was killed is sent again after the next start", async () => {
    const directory = newStateDirectory();
    await using receiver = await Receiver.start();
    receiver.status = 503;
    await withServer(async (admin) => {
      await failedTask(admin);
      await admin.call("createWebhook", { body: { name: "slow", url: receiver.url } });
      await expect.poll(() => receiver.whats.length, { timeout: 20_000 }).toBeGreaterThan(0);
    }, directory);
    [receiver.status, receiver.afterMs] = [204, 8000];
    receiver.told.length = 0;
    const server = spawnCli(["serve", "--dir", directory, "--listen", "127.0.0.1:0"]);
    try {
      await expect.poll(() => receiver.whats, { timeout: 40_000 }).toEqual(["failed"]);
    } finally {
      server.process.kill("SIGKILL");
      await server.finished;
    }
    receiver.afterMs = 0;
    await withServer(async () => await expect.poll(() => receiver.whats, { timeout: 40_000 }).toEqual(["failed", "failed"]), directory);
  });
});

describe("that a trouble is over", () => {
  it.runIf(THOROUGH)("is not told of one that nobody asks for any more", async () => {
    await using receiver = await Receiver.start();
    await withServer(async (admin) => {
      const { id } = await admin.call("createWebhook", { body: { name: "quiet", url: receiver.url } });
      await failedTask(admin);
      await expect.poll(() => receiver.whats, { timeout: 20_000 }).toEqual(["failed"]);
      await admin.call("changeWebhook", { params: { id }, body: { onFailed: false } });
      await sleep(TWO_LOOKS_MS);
      expect(receiver.whats).toEqual(["failed"]);
    });
  });

  it.runIf(THOROUGH)("is told once of a task that was terminated, with the state it is in now", async () => {
    await using receiver = await Receiver.start();
    await withServer(async (admin) => {
      await admin.call("createWebhook", { body: { name: "chat", url: receiver.url } });
      const id = await failedTask(admin);
      await expect.poll(() => receiver.whats, { timeout: 20_000 }).toEqual(["failed"]);
      // The address does not answer until the task has ended.
      receiver.status = 503;
      await admin.call("actOnTask", { params: { id }, body: { action: "terminate" } });
      await expect.poll(async () => (await admin.call("getTask", { params: { id } })).state, { timeout: 30_000 }).toBe("terminated");
      await sleep(TWO_LOOKS_MS / 2);
      receiver.status = 204;
      receiver.told.length = 0;
      await expect
        .poll(() => receiver.told, { timeout: 20_000 })
        .toMatchObject([{ what: "over", text: expect.stringContaining("it is terminated now"), task: { id, state: "terminated" } }]);
      await sleep(TWO_LOOKS_MS);
      expect(receiver.whats).toEqual(["over"]);
    });
  });
});

describe("an address that is slow", () => {
  it.runIf(THOROUGH)("holds up no other one; of two servers one tells", async () => {
    const directory = newStateDirectory();
    await using slow = await Receiver.start();
    await using quick = await Receiver.start();
    slow.afterMs = 8000;
    await withServer(async (admin) => {
      const other = await startServe({ directory, hasWorker: false });
      try {
        const ids: string[] = [];
        for (let at = 0; at < 5; at++) ids.push(await failedTask(admin));
        for (const [name, { url }] of Object.entries({ slow, quick })) await admin.call("createWebhook", { body: { name, url } });
        await expect.poll(() => quick.told.map(({ task }) => task?.id ?? "").toSorted(), { timeout: 12_000 }).toEqual(ids.toSorted());
        await expect.poll(() => slow.told.length, { timeout: 30_000 }).toBeGreaterThan(2);
        expect(new Set(slow.told.map(({ task }) => task?.id)).size).toBe(slow.told.length);
        expect([quick.told.length, quick.mostAtOnce, slow.mostAtOnce]).toEqual([5, 1, 1]);
      } finally {
        await other.stop();
      }
    }, directory);
  });
});

describe("an address with a user and a password", () => {
  it("is refused with the way on, and is told to nobody", async () => {
    await withServer(async (admin, server) => {
      const { id } = await admin.call("createWebhook", { body: { name: "good", url: "http://127.0.0.1:1/?token=a@b" } });
      const refused = { status: 400, body: { error: { code: "request-invalid", message: expect.stringMatching(/body\.url: .*token.*path or the query/) } } };
      for (const url of ["http://user:hush-hush@127.0.0.1:1/", "https://hush-hush@127.0.0.1:1/a", "http://:hush-hush@127.0.0.1:1/"]) {
        expect(await admin.ask("createWebhook", { body: { name: "bad", url } })).toMatchObject(refused);
        expect(await admin.ask("changeWebhook", { params: { id }, body: { url } })).toMatchObject(refused);
      }
      await admin.call("listAudit", { query: { limit: 100 } });
      expect(server.told.join()).not.toContain("hush-hush");
    });
  });
});
